/** A deployment that stands still is noticed, one that refuses at once is not taken for one. */
import { afterEach, expect, test, vi } from "vitest";
import { PlatformHealth } from "./platformHealth.ts";

afterEach(() => vi.useRealTimers());

test("an outage lasts from the question to its answer", async () => {
  vi.useFakeTimers({ now: 0 });
  const answer = Promise.withResolvers<void>();
  const health = new PlatformHealth(() => answer.promise);
  await vi.advanceTimersByTimeAsync(4_500);
  expect(health.outages).toEqual([{ fromMs: 500, toMs: Number.POSITIVE_INFINITY }]);
  answer.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(health.outages).toEqual([{ fromMs: 500, toMs: 4_500 }]);
  health.stop();
});

test("answers and refusals within a moment are no outage", async () => {
  vi.useFakeTimers({ now: 0 });
  let asked = 0;
  const health = new PlatformHealth(() =>
    asked++ % 2 === 0 ? Promise.resolve() : Promise.reject(new Error("down")),
  );
  await vi.advanceTimersByTimeAsync(5_000);
  expect(health.outages).toEqual([]);
  expect(asked).toBe(10);
  health.stop();
});
