/**
 * Decides when the text of a reply is persisted, and how much of it at once. Owns the flushes: one at a time,
 * in order, sent again until they are acknowledged. It never holds the token path up; whoever feeds it may
 * ask for `room`.
 */
import type { Clock } from "./clock.ts";
import { lastSentenceEnd, lastWordEnd } from "./textCuts.ts";

/** Never more than ten flushes a second. */
const minIntervalMs = 100;

/** Without a better occasion a flush follows after four times what the last one took, within these bounds. */
const minWaitMs = 200;
const maxWaitMs = 2_000;
const waitPerFlushMs = 4;

/** UTF-16 units that are worth a flush wherever the text stands. */
const fullLength = 1_000;

const firstRetryMs = 250;

export interface BatcherOptions {
  /** Offset in the reply at which the pushed text begins. */
  from: number;
  /**
   * Persists `text` at `from`. May be called again with the same `from` and a longer text after it rejected.
   */
  flush: (from: number, text: string) => Promise<void>;
  /** Whether a rejected flush can never succeed. The batcher then closes with that error. */
  isFinal: (error: unknown) => boolean;
  clock: Clock;
}

export class ChunkBatcher {
  private readonly options: BatcherOptions;
  /** Pushed and not yet acknowledged. */
  private waiting = "";
  private acknowledged: number;
  /** The end of the last sentence in `waiting`; 0 if none has ended. */
  private sentenceEnd = 0;
  private oldestAt = 0;
  private flushStartedAt = Number.NEGATIVE_INFINITY;
  private flushTookMs = 0;
  private isFlushing = false;
  private failures = 0;
  private isHeld = false;
  private closedWith: { error: unknown } | null = null;
  private timer: { at: number; cancel: () => void } | null = null;
  private watchers: (() => void)[] = [];

  constructor(options: BatcherOptions) {
    this.options = options;
    this.acknowledged = options.from;
  }

  /** Offset up to which everything is persisted. */
  get acknowledgedLength(): number {
    return this.acknowledged;
  }

  get unacknowledgedLength(): number {
    return this.waiting.length;
  }

  /** Takes well-formed text that follows what was pushed before. Ignored once closed. */
  push(text: string): void {
    if (this.closedWith !== null || text === "") {
      return;
    }
    if (this.waiting === "") {
      this.oldestAt = this.options.clock.now();
    }
    const searched = this.waiting.length;
    this.waiting += text;
    this.sentenceEnd = lastSentenceEnd(this.waiting, searched) || this.sentenceEnd;
    this.schedule();
  }

  /** Resolves when at most `length` units are unacknowledged. Rejects with the error it was closed with. */
  async room(length: number): Promise<void> {
    while (this.waiting.length > length) {
      await this.change();
    }
    this.throwIfClosed();
  }

  /** While held, no flush begins: what is not acknowledged by then is for the call that ends the run. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    this.schedule();
  }

  /** Ends all flushing; `room` rejects with `error`. */
  close(error: unknown): void {
    this.closedWith ??= { error };
    this.timer?.cancel();
    this.timer = null;
    this.wake();
  }

  private schedule(): void {
    if (this.isFlushing || this.isHeld || this.waiting === "" || this.closedWith !== null) {
      return;
    }
    const now = this.options.clock.now();
    const dueAt = this.dueAt();
    if (dueAt <= now) {
      void this.flush(this.cut());
    } else if (this.timer === null || dueAt < this.timer.at) {
      this.timer?.cancel();
      const cancel = this.options.clock.setTimer(() => {
        this.timer = null;
        this.schedule();
      }, dueAt - now);
      this.timer = { at: dueAt, cancel };
    }
  }

  private dueAt(): number {
    if (this.failures > 0) {
      return this.flushStartedAt + Math.min(maxWaitMs, firstRetryMs * 2 ** (this.failures - 1));
    }
    const earliest = this.flushStartedAt + minIntervalMs;
    if (this.sentenceEnd > 0 || this.waiting.length >= fullLength) {
      return earliest;
    }
    const waitMs = Math.min(maxWaitMs, Math.max(minWaitMs, waitPerFlushMs * this.flushTookMs));
    return Math.max(earliest, this.oldestAt + waitMs);
  }

  /** How much of what waits is flushed now. */
  private cut(): number {
    const isFull = this.waiting.length - this.sentenceEnd >= fullLength;
    return this.sentenceEnd > 0 && !isFull ? this.sentenceEnd : lastWordEnd(this.waiting);
  }

  private async flush(length: number): Promise<void> {
    const { clock, flush, isFinal } = this.options;
    this.isFlushing = true;
    this.flushStartedAt = clock.now();
    try {
      await flush(this.acknowledged, this.waiting.slice(0, length));
      this.failures = 0;
      this.flushTookMs = clock.now() - this.flushStartedAt;
      this.settle(length);
    } catch (error) {
      this.failures += 1;
      if (isFinal(error)) {
        this.close(error);
      }
    }
    this.isFlushing = false;
    this.wake();
    this.schedule();
  }

  private settle(length: number): void {
    this.acknowledged += length;
    this.waiting = this.waiting.slice(length);
    this.sentenceEnd = Math.max(0, this.sentenceEnd - length);
    // The rest came while the flush was under way, or is the word that was not complete: its wait begins with
    // the flush.
    this.oldestAt = this.flushStartedAt;
  }

  private async change(): Promise<void> {
    this.throwIfClosed();
    await new Promise<void>((resolve) => this.watchers.push(resolve));
  }

  private throwIfClosed(): void {
    if (this.closedWith !== null) {
      throw this.closedWith.error;
    }
  }

  private wake(): void {
    const watchers = this.watchers;
    this.watchers = [];
    for (const watcher of watchers) {
      watcher();
    }
  }
}
