/**
 * The calls of one open batch: who is told what when it ends, and when it must end. It knows nothing of SQLite;
 * transactions.ts runs the calls and commits.
 */
import type { Commit } from "../protocol/engine.ts";

/** When a batch ends, if nobody ends it earlier. */
export interface BatchPacing {
  /** Calls back when what has arrived is worked off, in a later turn of the event loop. Returns what cancels it. */
  whenIdle: (callback: () => void) => () => void;
  /** Time that only grows. */
  monotonicMs: () => number;
}

export interface BatchedCall {
  /** null when it wrote nothing that is kept. */
  commit: Commit | null;
  bytes: number;
  afterCommit: (() => void) | undefined;
  /** Tells the caller what the call came to. */
  succeed: () => void;
  /** Tells the caller that the batch came to nothing. */
  fail: (error: unknown) => void;
}

/** Enough that the COMMIT costs each call little. */
const MAX_CALLS = 256;
/** How long the first call waits for others at most; the call that is running is not interrupted. */
const MAX_OPEN_MS = 20;
/** As much as one transaction may write: memory for dirty pages stays bounded. */
const MAX_BYTES = 16 * 1024 * 1024;

export class CommitBatch {
  readonly #calls: BatchedCall[] = [];
  readonly #monotonicMs: () => number;
  readonly #endsAtMs: number;
  readonly #cancel: () => void;
  #bytes = 0;

  /** @param end - Called once, when what has arrived is worked off, unless the batch was closed before. */
  constructor({ whenIdle, monotonicMs }: BatchPacing, end: () => void) {
    this.#monotonicMs = monotonicMs;
    this.#endsAtMs = monotonicMs() + MAX_OPEN_MS;
    this.#cancel = whenIdle(end);
  }

  get hasCommits(): boolean {
    return this.#calls.some(({ commit }) => commit !== null);
  }

  add(call: BatchedCall): void {
    this.#calls.push(call);
    this.#bytes += call.bytes;
  }

  isFull(): boolean {
    return (
      this.#calls.length >= MAX_CALLS || this.#bytes >= MAX_BYTES || this.#monotonicMs() >= this.#endsAtMs
    );
  }

  /** No longer open: `end` will not be called. */
  close(): void {
    this.#cancel();
  }

  /** Tells every caller, after all listeners have heard of every commit. */
  succeed(announce: (commit: Commit) => void): void {
    for (const { commit, afterCommit } of this.#calls) {
      if (commit === null) continue;
      afterCommit?.();
      announce(commit);
    }
    for (const call of this.#calls) call.succeed();
  }

  fail(error: unknown): void {
    for (const call of this.#calls) call.fail(error);
  }
}
