/**
 * The time a function spends in its own code, without what the database does for it: processor time of the thread,
 * so that a busy machine does not end a function that is quick in itself.
 */

/** Convex: a query or a mutation has one second of user time. */
const LIMIT_MS = 1000;

/**
 * Wall time of a whole run, database included: what ends a busy loop, which never asks the database for anything.
 * Far above the limit, because a run that reads and writes all it may needs seconds of the database on a busy machine.
 */
export const DEFAULT_WALL_LIMIT_MS = 5000;

export const TIMED_OUT = "Function execution timed out (maximum duration: 1s)";

export class UserTime {
  readonly #cpuMs: () => number;
  readonly #startMs: number;
  #hostMs = 0;

  /** @param cpuMs - Processor time this thread has used. */
  constructor(cpuMs: () => number) {
    this.#cpuMs = cpuMs;
    this.#startMs = cpuMs();
  }

  /**
   * Runs host work that is not counted.
   * @throws Error when the function has used up its time.
   */
  outside<Result>(work: () => Result): Result {
    const beforeMs = this.#cpuMs();
    this.#checkAt(beforeMs);
    try {
      return work();
    } finally {
      this.#hostMs += this.#cpuMs() - beforeMs;
    }
  }

  /** A function that caught the error must still not succeed. */
  check(): void {
    this.#checkAt(this.#cpuMs());
  }

  #checkAt(nowMs: number): void {
    if (nowMs - this.#startMs - this.#hostMs > LIMIT_MS) throw new Error(TIMED_OUT);
  }
}
