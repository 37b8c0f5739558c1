import { expect, test } from "vitest";
import { watchEngine } from "../../embedded/engineWatchdog.ts";

/** A watchdog whose clock, timer and engine are the test's. */
function watched() {
  let nowMs = 0;
  let tick: () => void = () => undefined;
  let ping = Promise.withResolvers<number>();
  const lines: string[] = [];
  let ends = 0;
  const watchdog = watchEngine({
    ping: () => (ping = Promise.withResolvers<number>()).promise,
    endEngine: () => (ends += 1),
    log: (line) => lines.push(line),
    nowMs: () => nowMs,
    every: (_intervalMs, onTick) => {
      tick = onTick;
      return () => undefined;
    },
  });
  return {
    watchdog,
    lines,
    passSeconds: (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        nowMs += 1_000;
        tick();
      }
    },
    answerPing: async (usedCpuMs = 0) => {
      ping.resolve(usedCpuMs);
      await Promise.resolve();
    },
    endThread: async () => {
      ping.reject(new Error("the thread has ended"));
      await Promise.resolve();
      await Promise.resolve();
    },
    /** The machine sleeps: the clock goes on, timers do not. */
    sleep: (ms: number) => (nowMs += ms),
    ends: () => ends,
  };
}

test("an engine that answers late but within reason is not mentioned", async () => {
  const { watchdog, lines, passSeconds, answerPing } = watched();
  passSeconds(4);
  await answerPing();
  expect([watchdog.silentMs(), lines]).toEqual([0, []]);
});

test("an engine that does not answer is told once, and that it answers again", async () => {
  const { watchdog, lines, passSeconds, answerPing } = watched();
  passSeconds(20);
  expect(watchdog.silentMs()).toBe(19_000);
  await answerPing();
  expect(watchdog.silentMs()).toBe(0);
  expect(lines).toEqual([
    "The engine thread has not answered for 5 s: a function or a push keeps it busy, or other programs the processor.",
    "The engine thread answers again, after 19 s. It used 0.0 s of processor time meanwhile: other programs had the processor, so give it more of one.",
  ]);
});

test("a thread that worked all the time is told from one that had no processor", async () => {
  const { lines, passSeconds, answerPing } = watched();
  passSeconds(1);
  await answerPing(60_000);
  passSeconds(10);
  await answerPing(68_500);
  expect(lines.at(-1)).toBe(
    "The engine thread answers again, after 9 s. It used 8.5 s of processor time meanwhile.",
  );
});

test("what ended unanswered is no silence of the thread that follows", async () => {
  const { watchdog, passSeconds, endThread, answerPing } = watched();
  passSeconds(20);
  await endThread();
  expect(watchdog.silentMs()).toBe(0);
  passSeconds(3);
  await answerPing();
  expect(watchdog.silentMs()).toBe(0);
});

test("an engine that is silent for five minutes is ended, once", () => {
  const { passSeconds, sleep, ends } = watched();
  passSeconds(10);
  sleep(3_600_000);
  passSeconds(290);
  expect(ends()).toBe(0);
  passSeconds(20);
  expect(ends()).toBe(1);
});
