import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../../convex/streaming/clock.ts";
import { LeaseKeeper } from "../../../convex/streaming/leaseKeeper.ts";
import type { RunAnswer } from "../../../convex/streaming/runStore.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

/** A keeper whose database answers nothing that the test does not; `lostAt` in milliseconds from now. */
function startKeeper(leaseMs: number, heartbeat = () => new Promise<RunAnswer>(() => {})) {
  const startedAt = Date.now();
  const seen = { lostAt: null as number | null, stops: 0 };
  const keeper = new LeaseKeeper({
    store: { heartbeat, poll: async () => "go" },
    clock: systemClock,
    lease: { askedAt: startedAt, leaseMs },
    onStop: () => (seen.stops += 1),
    onLost: () => (seen.lostAt ??= Date.now() - startedAt),
    onWatch: () => {},
  });
  keeper.start();
  return { keeper, seen };
}

test.each([15_000, 14_100, 3_000, 900, 90, 0])(
  "of a lease of %i ms that nobody extends, a third is left when the run is given up",
  async (leaseMs) => {
    const { seen } = startKeeper(leaseMs);
    await pass(20_000);
    expect(seen.lostAt).toBe((leaseMs * 2) / 3);
  },
);

test("an extension counts from when it was asked for, however late its answer came", async () => {
  const { keeper, seen } = startKeeper(15_000);
  await pass(2_000);
  const answer = Promise.withResolvers<RunAnswer>();
  const extended = keeper.extend(() => answer.promise);
  await pass(4_000);
  answer.resolve({ stop: false, leaseMs: 15_000 });
  await extended;
  await pass(20_000);
  expect(seen.lostAt).toBe(12_000);
});

test("an answer that shortens the lease moves the fence forward", async () => {
  const { keeper, seen } = startKeeper(15_000);
  await pass(1_000);
  await keeper.extend(async () => ({ stop: true, leaseMs: 600 }));
  expect(seen.stops).toBe(1);
  await pass(20_000);
  expect(seen.lostAt).toBe(1_400);
});

test("an answer that was overtaken by one to a later question does not count", async () => {
  const { keeper, seen } = startKeeper(15_000);
  const early = Promise.withResolvers<RunAnswer>();
  const extended = keeper.extend(() => early.promise);
  await pass(1_000);
  await keeper.extend(async () => ({ stop: true, leaseMs: 3_000 }));
  early.resolve({ stop: false, leaseMs: 15_000 });
  await extended;
  await pass(20_000);
  expect(seen.lostAt).toBe(3_000);
});

test("heartbeats come every third of the lease, and the run is kept as long as they are answered", async () => {
  const beats: number[] = [];
  const startedAt = Date.now();
  const { keeper, seen } = startKeeper(15_000, async () => {
    beats.push(Date.now() - startedAt);
    return { stop: false, leaseMs: 15_000 };
  });
  await pass(60_000);
  expect(seen.lostAt).toBeNull();
  expect(beats.slice(0, 3)).toEqual([5_600, 11_200, 16_800]);
  keeper.stop();
});

test("a keeper that was stopped neither asks nor gives up, even when an answer comes late", async () => {
  const { keeper, seen } = startKeeper(15_000);
  const answer = Promise.withResolvers<RunAnswer>();
  const extended = keeper.extend(() => answer.promise);
  keeper.stop();
  answer.resolve({ stop: false, leaseMs: 15_000 });
  await extended;
  expect(vi.getTimerCount()).toBe(0);
  await pass(20_000);
  expect(seen.lostAt).toBeNull();
});
