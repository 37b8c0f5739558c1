import { expect, test } from "vitest";
import { LongerRuns } from "../../../embedded/runner/longerRuns.ts";

const slow = { componentPath: "", name: "m.js:slow" };
const other = { componentPath: "child", name: "m.js:slow" };

test("a function that wasted its longer time gets none for a minute, others do", () => {
  let nowMs = 1_000;
  const longerRuns = new LongerRuns(() => nowMs);
  expect(longerRuns.areAllowed(slow)).toBe(true);
  longerRuns.wasted(slow);
  expect([longerRuns.areAllowed(slow), longerRuns.areAllowed(other)]).toEqual([false, true]);
  nowMs += 60_000;
  expect(longerRuns.areAllowed(slow)).toBe(true);
});

test("what is remembered is bounded", () => {
  const longerRuns = new LongerRuns(() => 0);
  longerRuns.wasted(slow);
  for (let n = 0; n < 1_000; n += 1) longerRuns.wasted({ componentPath: "", name: `m.js:f${n}` });
  expect(longerRuns.areAllowed(slow)).toBe(true);
});
