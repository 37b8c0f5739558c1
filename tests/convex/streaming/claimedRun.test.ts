import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ActionCtx } from "../../../convex/_generated/server.js";
import { produceReply } from "../../../convex/streaming/claimedRun.ts";
import type { ClaimedRun } from "../../../convex/streaming/claimedRun.ts";
import { noSink } from "../../../convex/streaming/replySink.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

const unreachable = async () => {
  throw new Error("The database is down.");
};
const ctx = { runMutation: unreachable, runQuery: unreachable } as unknown as ActionCtx;

function claimedRun(): ClaimedRun {
  const lease = { askedAt: Date.now(), leaseMs: 15_000 };
  const turns = [{ role: "user" as const, text: "Hello?" }];
  return { token: "token", lease, attempt: 1, model: "no such model", persistedText: "", turns };
}

/** `drive` does not wait for the reply: a rejection would be nobody's. */
test.each([
  ["a database that is down", {}, noSink],
  [
    "a sink that throws",
    {},
    {
      ...noSink,
      send() {
        throw new Error("gone");
      },
    },
  ],
  ["a claim without what was asked for", { persistedText: undefined as never }, noSink],
])("producing a reply never rejects: %s", async (_name, change, sink) => {
  const report = vi.spyOn(console, "error").mockReturnValue();
  const produced = produceReply(ctx, { ...claimedRun(), ...change }, sink);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await produced).toBeUndefined();
  expect(report).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
  report.mockRestore();
});
