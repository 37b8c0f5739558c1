/**
 * When to try again what failed through no fault of the function: the disk was full, the database could not be written.
 * Each failure in a row doubles the wait, as on Convex.
 */
const FIRST_MS = 500;
const LONGEST_MS = 15_000;
const FORGET_AFTER_MS = 60 * 60 * 1000;

export class RetryDelays {
  readonly #failures = new Map<string, { count: number; notBeforeMs: number }>();

  /** @returns how long to wait. */
  failed(key: string, nowMs: number): number {
    this.#forgetOld(nowMs);
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const waitMs = Math.min(FIRST_MS * 2 ** (count - 1), LONGEST_MS);
    this.#failures.set(key, { count, notBeforeMs: nowMs + waitMs });
    return waitMs;
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  isWaiting(key: string, nowMs: number): boolean {
    return (this.#failures.get(key)?.notBeforeMs ?? -Infinity) > nowMs;
  }

  /** Whether it failed when it was tried last. */
  hasFailed(key: string): boolean {
    return this.#failures.has(key);
  }

  /** How many are waiting, or have waited. */
  get size(): number {
    return this.#failures.size;
  }

  /** When the next wait ends; null when nothing waits. */
  nextMs(nowMs: number): number | null {
    const times = [...this.#failures.values()].map(({ notBeforeMs }) => notBeforeMs);
    const future = times.filter((ms) => ms > nowMs);
    return future.length === 0 ? null : Math.min(...future);
  }

  /** What was canceled or removed while it waited is never tried again. */
  #forgetOld(nowMs: number): void {
    for (const [key, { notBeforeMs }] of this.#failures) {
      if (notBeforeMs + FORGET_AFTER_MS < nowMs) this.#failures.delete(key);
    }
  }
}
