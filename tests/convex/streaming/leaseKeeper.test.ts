import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "../../../convex/streaming/clock.ts";
import type { Clock } from "../../../convex/streaming/clock.ts";
import { LeaseKeeper } from "../../../convex/streaming/leaseKeeper.ts";
import { RunLostError } from "../../../convex/streaming/runStore.ts";
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

test("after a sleep the run is held again by an answer to a question asked since, and by no earlier one", async () => {
  const beat = Promise.withResolvers<RunAnswer>();
  const heartbeat = vi.fn<() => Promise<RunAnswer>>(() => beat.promise);
  const { keeper, seen } = startKeeper(15_000, heartbeat);
  const early = Promise.withResolvers<RunAnswer>();
  const extended = keeper.extend(() => early.promise);
  await pass(1_000);
  vi.setSystemTime(Date.now() + 20_000);
  expect(keeper.isHeld()).toBe(false);
  early.resolve({ stop: false, leaseMs: 15_000 });
  await extended;
  await pass(2_000);
  expect(keeper.isHeld()).toBe(false);
  beat.resolve({ stop: false, leaseMs: 15_000 });
  await keeper.held();
  expect(keeper.isHeld()).toBe(true);
  expect(heartbeat).toHaveBeenCalledOnce();
  expect(seen.lostAt).toBeNull();
  keeper.stop();
});

test.each([
  ["refused", async () => await Promise.reject(new Error("The network is down."))],
  ["never answered", async () => await new Promise<RunAnswer>(() => {})],
])("a run whose heartbeat after a sleep is %s is given up, and asked for once", async (_name, answer) => {
  const heartbeat = vi.fn<() => Promise<RunAnswer>>(answer);
  const { seen } = startKeeper(15_000, heartbeat);
  await pass(1_000);
  vi.setSystemTime(Date.now() + 12_000);
  await pass(6_000);
  expect(seen.lostAt).not.toBeNull();
  expect(heartbeat).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

test("a sleep that leaves the lease two thirds unused asks nothing", async () => {
  const heartbeat = vi.fn<() => Promise<RunAnswer>>(async () => ({ stop: false, leaseMs: 15_000 }));
  const { keeper } = startKeeper(15_000, heartbeat);
  await pass(100);
  vi.setSystemTime(Date.now() + 4_000);
  expect(keeper.isHeld()).toBe(true);
  await pass(700);
  expect(heartbeat).not.toHaveBeenCalled();
  keeper.stop();
});

/** Passes time as a stopped process sees it: all that fell due meanwhile comes at once, at its end. */
class StoppedProcess {
  private time = 0;
  private timers: { at: number; callback: () => void }[] = [];

  readonly clock: Clock = {
    now: () => this.time,
    setTimer: (callback, ms) => {
      const timer = { at: this.time + ms, callback };
      this.timers.push(timer);
      return () => {
        this.timers = this.timers.filter((other) => other !== timer);
      };
    },
  };

  stopFor(ms: number) {
    this.time += ms;
    for (;;) {
      const [next] = this.timers
        .filter((timer) => timer.at <= this.time)
        .toSorted((one, other) => one.at - other.at);
      if (next === undefined) {
        return;
      }
      this.timers = this.timers.filter((timer) => timer !== next);
      next.callback();
    }
  }
}

test.each([0, 9_900])(
  "a process that was stopped for thirteen seconds after %i asks first",
  async (ranMs) => {
    const stopped = new StoppedProcess();
    const onLost = vi.fn<(error: RunLostError) => void>();
    const heartbeat = vi.fn<() => Promise<RunAnswer>>(async () => ({ stop: false, leaseMs: 15_000 }));
    const keeper = new LeaseKeeper({
      store: { heartbeat, poll: async () => "go" },
      clock: stopped.clock,
      lease: { askedAt: 0, leaseMs: 15_000 },
      onStop: () => {},
      onLost,
      onWatch: () => {},
    });
    keeper.start();
    for (let ms = 0; ms < ranMs; ms += 100) {
      stopped.stopFor(100);
    }
    const beatsBefore = heartbeat.mock.calls.length;
    stopped.stopFor(13_000);
    expect(onLost).not.toHaveBeenCalled();
    expect(heartbeat).toHaveBeenCalledTimes(beatsBefore + 1);
    await keeper.held();
    stopped.stopFor(700);
    expect(onLost).not.toHaveBeenCalled();
    keeper.stop();
  },
);

test.each([
  ["a poll", "gone" as const, 1],
  ["a heartbeat", "go" as const, 8],
])("once %s has shown that the run is lost nothing more is asked", async (_name, answer, asked) => {
  const heartbeat = vi.fn<() => Promise<RunAnswer>>().mockRejectedValue(new RunLostError("Taken."));
  const poll = vi.fn<() => Promise<"go" | "gone">>().mockResolvedValue(answer);
  const onLost = vi.fn<() => void>();
  const onWatch = vi.fn<() => void>();
  new LeaseKeeper({
    store: { heartbeat, poll },
    clock: systemClock,
    lease: { askedAt: Date.now(), leaseMs: 15_000 },
    onStop: () => {},
    onLost,
    onWatch,
  }).start();
  await pass(20_000);
  expect(poll.mock.calls.length + heartbeat.mock.calls.length).toBe(asked);
  expect(onLost).toHaveBeenCalledOnce();
  expect(onWatch).toHaveBeenCalledTimes(asked);
});
