import { expect, test } from "vitest";
import { watchEngine } from "../../embedded/engineWatchdog.ts";

/** A watchdog whose clock, timer and engine are the test's. */
function watched() {
  let nowMs = 0;
  let tick: () => void = () => undefined;
  let answer: () => void = () => undefined;
  const lines: string[] = [];
  const watchdog = watchEngine({
    ping: () => new Promise((resolve) => (answer = resolve)),
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
    answerPing: async () => {
      answer();
      await Promise.resolve();
    },
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
    "The engine thread has not answered for 5 s: a function or a push keeps it busy.",
    "The engine thread answers again, after 19 s.",
  ]);
});
