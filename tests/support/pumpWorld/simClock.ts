/** Time that passes only when everything that can happen without it has happened. */
import { setImmediate as settled } from "node:timers/promises";
import type { Clock } from "../../../convex/streaming/clock.ts";

interface Timer {
  at: number;
  order: number;
  callback: () => void;
}

export class SimClock implements Clock {
  /** Called whenever nothing more can happen without time. */
  onSettled = () => {};
  private time = 0;
  private timers: Timer[] = [];
  private made = 0;

  now(): number {
    return this.time;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { at: this.time + Math.max(0, ms), order: this.made++, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  get pendingTimers(): number {
    return this.timers.length;
  }

  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.setTimer(resolve, ms);
    });
  }

  /** Runs timers in their order until `isOver`, or up to `endMs`; says whether it was over. */
  async runUntil(isOver: () => boolean, endMs: number): Promise<boolean> {
    for (;;) {
      await settled();
      this.onSettled();
      if (isOver()) {
        return true;
      }
      const next = this.timers.reduce<Timer | null>(
        (first, timer) =>
          first === null || timer.at < first.at || (timer.at === first.at && timer.order < first.order)
            ? timer
            : first,
        null,
      );
      if (next === null || next.at > endMs) {
        this.time = Math.max(this.time, endMs);
        return false;
      }
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
  }
}
