import { expect, test } from "vitest";
import type { ModelRequestEvidence } from "./evidence.ts";
import { RunFigures } from "./runFigures.ts";

const request: ModelRequestEvidence = {
  wire: "openai",
  startedAtMs: 100,
  closedAtMs: 1_400,
  messages: [],
  sentText: "",
  sentReasoning: "",
  thoughtUntilMs: null,
  wholeText: "",
  isContinuation: false,
  state: "clientGone",
  overlap: 0,
  isDisturbed: false,
};
const post = {
  runToken: "",
  carriesTurn: true,
  hasUnknownFields: false,
  sentAtMs: 100,
  answeredAtMs: 200,
  isOver: false,
  httpStatus: 200,
  attempt: 1,
  liveLength: 0,
  last: null,
};
const run = {
  requests: [request],
  posts: [post],
  stopAskedAtMs: 1_000,
  endedAtMs: 1_500,
  quietSinceMs: 1_000,
};

test("a run tells how soon a stop reached the model, and how soon runs ended", () => {
  const figures = new RunFigures();
  figures.add(run);
  figures.add({ ...run, posts: [{ ...post, carriesTurn: false }], stopAskedAtMs: null, endedAtMs: 900 });
  expect(figures.postsWithTurn).toBe(1);
  expect(figures.lines().join("\n")).toContain("1 stops reached the model, after 400 ms at the median");
  expect(figures.lines().join("\n")).toContain("2 runs ended, 500 ms at the median, 500 ms at most");
});

test.each([
  ["had ended before", { ...request, closedAtMs: 900 }],
  ["was asked later", { ...request, startedAtMs: 1_100 }],
  ["ended by itself", { ...request, state: "finished" as const }],
])("a stop is not said to have reached a request that %s", (_what, other) => {
  const figures = new RunFigures();
  figures.add({ ...run, requests: [other] });
  expect(figures.lines()[0]).toContain("0 stops reached the model");
});
