/** The fault suite, as much of it as every run of the tests can bear; `npm run faults` is the whole of it. */
import { expect, test } from "vitest";
import { planGroups, playScenarios } from "./suite.ts";

test("twenty-four scenarios with faults of every party break no rule", async () => {
  const numbers = Array.from({ length: 24 }, (_, number) => number);
  const { failures, nobodysRows, coverage } = await playScenarios(planGroups(11, numbers), {
    parallel: 2,
    tell: console.log,
    awaitsPurges: true,
  });
  expect(failures.map(({ evidence, broken }) => ({ scenario: evidence.title, broken }))).toEqual([]);
  expect(nobodysRows).toEqual([]);
  expect(coverage.injections).toBeGreaterThan(24);
});
