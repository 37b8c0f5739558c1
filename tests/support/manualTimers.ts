/** A clock that stands still until the test moves it. */
import { setImmediate as settled } from "node:timers/promises";

import type { Timers } from "../../embedded/scheduler/scheduledRuns.ts";

export class ManualTimers implements Timers {
  #nowMs: number;
  #pending: { atMs: number; callback: () => void }[] = [];

  constructor(nowMs = Date.UTC(2026, 0, 2)) {
    this.#nowMs = nowMs;
  }

  nowMs = (): number => this.#nowMs;

  setTimer = (callback: () => void, afterMs: number): (() => void) => {
    const timer = { atMs: this.#nowMs + afterMs, callback };
    this.#pending.push(timer);
    return () => {
      this.#pending = this.#pending.filter((pending) => pending !== timer);
    };
  };

  /** Moves the clock forward, running what falls due in order; waits for what it starts between two timers. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#takeDue(endMs); next; next = this.#takeDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
      await settled();
    }
    this.#nowMs = endMs;
  }

  #takeDue(endMs: number): { atMs: number; callback: () => void } | undefined {
    const [next] = this.#pending.filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs);
    this.#pending = this.#pending.filter((pending) => pending !== next);
    return next;
  }
}
