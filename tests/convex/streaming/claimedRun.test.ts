import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ActionCtx } from "../../../convex/_generated/server.js";
import { claimRun, claimRunOfTurn, produceReply } from "../../../convex/streaming/claimedRun.ts";
import type { ClaimedRun } from "../../../convex/streaming/claimedRun.ts";
import { noSink } from "../../../convex/streaming/replySink.ts";
import { appError } from "../../../convex/model/appError.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.restoreAllMocks();
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
  const report = vi.fn<() => void>();
  vi.spyOn(console, "error").mockImplementation(report);
  vi.spyOn(console, "warn").mockImplementation(report);
  const produced = produceReply(ctx, { ...claimedRun(), ...change }, sink);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await produced).toBeUndefined();
  expect(report).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

/** A database that carries out every call and loses the first answer; notes what it was asked. */
function losesFirstAnswer(answer: unknown) {
  const asked: { token: string }[] = [];
  const runMutation = async (_reference: unknown, args: { token: string }) => {
    asked.push(args);
    if (asked.length === 1) throw new Error("The answer was lost.");
    return answer;
  };
  return { ctx: { runMutation } as unknown as ActionCtx, asked };
}

const claimed = { attempt: 1, model: "demo", persistedText: "", turns: [], leaseMs: 15_000 };

test("a claim whose answer was lost is made again under the same token", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  const server = losesFirstAnswer(claimed);
  const run = await claimRun(server.ctx, { streamId: "stream", by: "server" });
  expect(server.asked.map(({ token }) => token)).toEqual([run.token, run.token]);
  const driver = losesFirstAnswer({ kind: "claimed", turn: {}, run: claimed });
  const turn = { kind: "newChat", prompt: "Hello", clientRequestId: "request" } as const;
  await claimRunOfTurn(driver.ctx, { turn, driverToken: "driver" });
  expect(new Set(driver.asked.map(({ token }) => token)).size).toBe(1);
  expect(driver.asked).toHaveLength(2);
  warn.mockRestore();
});

test("what would not be safe to repeat is not: a chat without a name for its request, and a refusal", async () => {
  const { ctx: lossy, asked } = losesFirstAnswer({});
  const nameless = { turn: { kind: "newChat", prompt: "Hello" }, driverToken: "driver" } as const;
  await expect(claimRunOfTurn(lossy, nameless)).rejects.toThrow("lost");
  expect(asked).toHaveLength(1);
  const refuse = vi.fn<() => Promise<never>>(async () => {
    throw appError({ kind: "runTaken", message: "No." });
  });
  const refusing = { runMutation: refuse } as unknown as ActionCtx;
  await expect(claimRun(refusing, { streamId: "stream", by: "server" })).rejects.toMatchObject({
    data: { kind: "runTaken" },
  });
  expect(refuse).toHaveBeenCalledOnce();
});
