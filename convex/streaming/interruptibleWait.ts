/**
 * One wait at a time that somebody else can end. A race against a promise that lives as long as the reply
 * would keep something for every token; this keeps nothing.
 */
import type { Clock } from "./clock.ts";

export class WaitInterrupted extends Error {
  constructor() {
    super("The wait was interrupted.");
    this.name = "WaitInterrupted";
  }
}

export class InterruptibleWait {
  private readonly clock: Clock;
  private isInterrupted = false;
  private endWait = () => {};
  private failWait = (_error: Error) => {};

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Settles as `promise` does, or rejects with `WaitInterrupted` as soon as that is asked for, now and ever
   * after.
   */
  async for<Result>(promise: Promise<Result>): Promise<Result> {
    return await new Promise<Result>((resolve, reject) => {
      this.failWait = reject;
      this.endWait = () => reject(new WaitInterrupted());
      promise.then(resolve, reject);
      if (this.isInterrupted) {
        this.endWait();
      }
    });
  }

  /** Rejects the `for` that is under way; nothing if none is. */
  fail(error: Error): void {
    this.failWait(error);
  }

  /** Resolves after `ms`, or as soon as an interruption is asked for. */
  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.clock.setTimer(resolve, ms);
      this.endWait = () => {
        cancel();
        resolve();
      };
      if (this.isInterrupted) {
        this.endWait();
      }
    });
  }

  /** Ends the wait that is under way and all that follow. */
  interrupt(): void {
    this.isInterrupted = true;
    this.endWait();
  }
}
