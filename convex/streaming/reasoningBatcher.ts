/**
 * Decides when a model's thoughts are persisted. Owns their flushes: one at a time, at most one a second, sent again
 * until they are acknowledged. Nobody waits for it: the call that ends the run carries what is left.
 */
import type { Clock } from "./clock.ts";

const minIntervalMs = 1_000;

export interface Thought {
  /** Offset in the reply's text where it stands. */
  place: number;
  text: string;
}

export interface ReasoningBatcherOptions {
  /** Offset in the reply's reasoning at which the first thought begins. */
  from: number;
  /** Persists the thoughts from `from` on. May be called again with the same `from` and more after it rejected. */
  flush: (from: number, thoughts: Thought[]) => Promise<void>;
  /** Whether a rejected flush can never succeed. The batcher then closes. */
  isFinal: (error: unknown) => boolean;
  clock: Clock;
}

export class ReasoningBatcher {
  private readonly options: ReasoningBatcherOptions;
  /** Pushed and not yet acknowledged; neighbours differ in their place. */
  private waiting: Thought[] = [];
  private acknowledged: number;
  private lastFlushAt: number | null = null;
  private isFlushing = false;
  private isClosed = false;
  private cancelTimer: (() => void) | null = null;

  constructor(options: ReasoningBatcherOptions) {
    this.options = options;
    this.acknowledged = options.from;
  }

  /** Takes well-formed text that follows what was pushed before. Ignored once closed. */
  push({ place, text }: Thought): void {
    if (this.isClosed || text === "") {
      return;
    }
    const last = this.waiting.at(-1);
    if (last?.place === place) {
      last.text += text;
    } else {
      this.waiting.push({ place, text });
    }
    this.schedule();
  }

  /**
   * Ends all flushing, and answers what is not acknowledged and where that begins. A flush that is under way may have
   * persisted some of it.
   */
  takeRest(): { from: number; thoughts: Thought[] } {
    this.close();
    return { from: this.acknowledged, thoughts: this.waiting };
  }

  /** Ends all flushing. */
  close(): void {
    this.isClosed = true;
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private schedule(): void {
    if (this.isFlushing || this.isClosed || this.waiting.length === 0 || this.cancelTimer !== null) {
      return;
    }
    const now = this.options.clock.now();
    // The first flush waits as well: a thought comes in many pieces.
    const waitMs = this.lastFlushAt === null ? minIntervalMs : this.lastFlushAt + minIntervalMs - now;
    this.cancelTimer = this.options.clock.setTimer(
      () => {
        this.cancelTimer = null;
        void this.flush();
      },
      Math.max(0, waitMs),
    );
  }

  private async flush(): Promise<void> {
    const { clock, flush, isFinal } = this.options;
    const thoughts = this.waiting.map((thought) => ({ ...thought }));
    this.isFlushing = true;
    this.lastFlushAt = clock.now();
    try {
      await flush(this.acknowledged, thoughts);
      this.settle(thoughts);
    } catch (error) {
      if (isFinal(error)) {
        this.close();
      }
    }
    this.isFlushing = false;
    this.schedule();
  }

  /** Only the last of what was flushed can have grown meanwhile. */
  private settle(flushed: Thought[]): void {
    const last = flushed.at(-1);
    const grown = this.waiting[flushed.length - 1];
    const rest = this.waiting.slice(flushed.length);
    if (last !== undefined && grown !== undefined && grown.text.length > last.text.length) {
      rest.unshift({ place: grown.place, text: grown.text.slice(last.text.length) });
    }
    this.waiting = rest;
    this.acknowledged += flushed.reduce((length, { text }) => length + text.length, 0);
  }
}
