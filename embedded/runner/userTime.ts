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

/**
 * As long as a run has not lasted longer, it cannot have used up its time, and what the host does for it is taken from the clock
 * on the wall: asking the system for processor time at each syscall costs more than many syscalls do.
 */
const QUICK_MS = 50;

export const TIMED_OUT = "Function execution timed out (maximum duration: 1s)";

export class UserTime {
  readonly #cpuMs: () => number;
  readonly #wallMs: () => number;
  readonly #startMs: number;
  readonly #startWallMs: number;
  #hostMs = 0;
  #host: { clock: () => number; sinceMs: number } | null = null;

  /** @param cpuMs - Processor time this thread has used. */
  constructor(cpuMs: () => number, wallMs: () => number = () => performance.now()) {
    this.#cpuMs = cpuMs;
    this.#wallMs = wallMs;
    this.#startMs = cpuMs();
    this.#startWallMs = wallMs();
  }

  /**
   * Runs host work that is not counted.
   * @throws Error when the function has used up its time.
   */
  outside<Result>(work: () => Result): Result {
    this.check();
    const clock = this.#isQuick ? this.#wallMs : this.#cpuMs;
    const sinceMs = clock();
    this.#host = { clock, sinceMs };
    try {
      return work();
    } finally {
      this.#hostMs += clock() - sinceMs;
      this.#host = null;
    }
  }

  /** A function that caught the error must still not succeed. */
  check(): void {
    if (!this.#isQuick && this.#usedMs() > USER_TIME_LIMIT_MS) throw new Error(TIMED_OUT);
  }

  /**
   * For a function that was ended by the clock on the wall: whether it was its own doing. What V8 does for it in other
   * threads, collecting its garbage, is not counted here, so it takes much less than all.
   */
  get isLargelyUsedUp(): boolean {
    const inHostMs = this.#host === null ? 0 : this.#host.clock() - this.#host.sinceMs;
    return this.#usedMs() - inHostMs > 0.4 * USER_TIME_LIMIT_MS;
  }

  get #isQuick(): boolean {
    return this.#wallMs() - this.#startWallMs < QUICK_MS;
  }

  #usedMs(): number {
    return this.#cpuMs() - this.#startMs - this.#hostMs;
  }
}
