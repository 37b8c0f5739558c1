/** The last completed calls, for `convex logs`: a ring that readers follow with a cursor. */
import type { FunctionCompletion } from "../protocol/calls.ts";

const MAX_KEPT = 1000;
/** Of log lines and errors. The functions choose their length: 256 lines of 32 KB each, a thousand times over. */
const MAX_KEPT_CHARS = 16 * 1024 * 1024;

export interface CompletionPage {
  entries: FunctionCompletion[];
  cursor: number;
}

export class CompletionLog {
  readonly #setTimer: (callback: () => void, afterMs: number) => () => void;
  readonly #entries: FunctionCompletion[] = [];
  readonly #waiting = new Set<() => void>();
  /** How many completions there were before the first one kept. */
  #dropped = 0;
  #chars = 0;
  #isClosed = false;
  readonly #onAdd: (completion: FunctionCompletion) => void;

  constructor(
    setTimer: (callback: () => void, afterMs: number) => () => void,
    onAdd: (completion: FunctionCompletion) => void = () => undefined,
  ) {
    this.#setTimer = setTimer;
    this.#onAdd = onAdd;
  }

  add(completion: FunctionCompletion): void {
    this.#entries.push(completion);
    this.#chars += charsOf(completion);
    while (this.#entries.length > MAX_KEPT || (this.#chars > MAX_KEPT_CHARS && this.#entries.length > 1))
      this.#dropOldest();
    this.#wakeAll();
    this.#onAdd(completion);
  }

  async after(cursor: number, waitMs: number): Promise<CompletionPage> {
    const page = this.#page(cursor);
    if (page.entries.length > 0 || waitMs <= 0 || this.#isClosed) return page;
    await this.#nextOrTimeout(waitMs);
    return this.#page(cursor);
  }

  /** Lets every waiting reader go; none waits from now on. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  #dropOldest(): void {
    const oldest = this.#entries.shift();
    if (oldest === undefined) return;
    this.#chars -= charsOf(oldest);
    this.#dropped++;
  }

  #page(cursor: number): CompletionPage {
    const end = this.#dropped + this.#entries.length;
    // A cursor from before a restart lies ahead of this process's count.
    const start = cursor > end ? 0 : Math.max(0, cursor - this.#dropped);
    return { entries: this.#entries.slice(start), cursor: end };
  }

  #nextOrTimeout(waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#setTimer(wake, waitMs);
    const waiting = this.#waiting;
    waiting.add(wake);
    function wake(): void {
      cancel();
      waiting.delete(wake);
      resolve();
    }
    return promise;
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }
}

function charsOf({ logLines, error }: FunctionCompletion): number {
  return logLines.reduce((sum, line) => sum + line.length, error?.length ?? 0);
}
