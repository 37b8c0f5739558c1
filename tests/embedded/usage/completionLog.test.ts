import { expect, test } from "vitest";

import type { FunctionCompletion } from "../../../embedded/protocol/calls.ts";
import { CompletionLog } from "../../../embedded/usage/completionLog.ts";
import { ManualTimers } from "../../support/manualTimers.ts";

function completion(name: string): FunctionCompletion {
  return {
    kind: "query",
    componentPath: "",
    name,
    startedAtMs: 0,
    executionMs: 1,
    cachedResult: false,
    error: null,
    logLines: [],
    requestId: name,
  };
}

function namesOf({ entries }: { entries: FunctionCompletion[] }): string[] {
  return entries.map(({ name }) => name);
}

test("a reader gets what came after its cursor", async () => {
  const log = new CompletionLog(new ManualTimers().setTimer);
  log.add(completion("a"));
  const first = await log.after(0, 0);
  expect(namesOf(first)).toEqual(["a"]);
  log.add(completion("b"));
  log.add(completion("c"));
  expect(namesOf(await log.after(first.cursor, 0))).toEqual(["b", "c"]);
});

test("a reader that has seen all waits for the next one, or for its time to pass", async () => {
  const timers = new ManualTimers();
  const log = new CompletionLog(timers.setTimer);
  const waiting = log.after(0, 1000);
  log.add(completion("a"));
  expect(namesOf(await waiting)).toEqual(["a"]);
  const inVain = log.after(1, 1000);
  await timers.advance(1000);
  expect(await inVain).toEqual({ entries: [], cursor: 1 });
});

test("a reader that is far behind gets the thousand that are kept", async () => {
  const log = new CompletionLog(new ManualTimers().setTimer);
  for (let n = 0; n < 1500; n++) log.add(completion(String(n)));
  const { entries, cursor } = await log.after(3, 0);
  expect([entries.length, entries[0]?.name, cursor]).toEqual([1000, "500", 1500]);
});

test("of functions that print very much, less is kept, and always the last", async () => {
  const log = new CompletionLog(new ManualTimers().setTimer);
  const logLines = ["x".repeat(1024 * 1024)];
  for (let n = 1; n <= 100; n++) log.add({ ...completion(String(n)), logLines });
  const { entries, cursor } = await log.after(0, 0);
  expect([entries.length, entries[0]?.name, cursor]).toEqual([16, "85", 100]);
  log.add({ ...completion("huge"), error: "x".repeat(20 * 1024 * 1024) });
  expect(namesOf(await log.after(0, 0))).toEqual(["huge"]);
  log.add(completion("small"));
  expect(namesOf(await log.after(0, 0))).toEqual(["small"]);
});

test("a cursor of another process starts anew", async () => {
  const log = new CompletionLog(new ManualTimers().setTimer);
  log.add(completion("a"));
  expect(namesOf(await log.after(77, 0))).toEqual(["a"]);
});

test("closing lets every waiting reader go", async () => {
  const log = new CompletionLog(new ManualTimers().setTimer);
  const waiting = log.after(0, 60_000);
  log.close();
  expect(await waiting).toEqual({ entries: [], cursor: 0 });
});
