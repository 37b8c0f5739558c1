/**
 * The time a function spends in its own code, without what the database does for it: processor time of the thread,
 * so that a busy machine does not end a function that is quick in itself.
 */

/** Convex: a query or a mutation has one second of user time. */
export const USER_TIME_LIMIT_MS = 1000;

/**
 * Wall time of a whole request, database included, with which the clock of the wall ends it whatever it does. Far above
 * the limit, because a run that reads and writes all it may needs seconds of the database on a busy machine.
 */
export const DEFAULT_WALL_LIMIT_MS = 5000;

export const TIMED_OUT = "Function execution timed out (maximum duration: 1s)";

export class UserTime {
  readonly #cpuMs: () => number;
  readonly #startMs: number;
  #hostMs = 0;
  #hostSinceMs: number | null = null;

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
    this.#hostSinceMs = beforeMs;
    try {
      return work();
    } finally {
      this.#hostMs += this.#cpuMs() - beforeMs;
      this.#hostSinceMs = null;
    }
  }

  /** A function that caught the error must still not succeed. */
  check(): void {
    this.#checkAt(this.#cpuMs());
  }

  /**
   * For a function that was ended by the clock on the wall: whether it was its own doing. What V8 does for it in other
   * threads, collecting its garbage, is not counted here, so it takes much less than all.
   */
  get isLargelyUsedUp(): boolean {
    const nowMs = this.#hostSinceMs ?? this.#cpuMs();
    return nowMs - this.#startMs - this.#hostMs > 0.4 * USER_TIME_LIMIT_MS;
  }

  #checkAt(nowMs: number): void {
    if (nowMs - this.#startMs - this.#hostMs > USER_TIME_LIMIT_MS) throw new Error(TIMED_OUT);
  }
}
