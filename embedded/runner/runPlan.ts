/**
 * How a request is run, and whether once more. A query or a mutation can be undone and run again, and nobody sees it:
 * so it is tried the quick way first, in kept realms and within the wall time that a busy loop needs to use up its processor
 * time; where that turns out to be too strict, once more without.
 */
export class RunPlan {
  readonly #longestWallMs: number;
  #wallLimitMs: number;
  #usesKeptRealms = true;
  #isFinal = true;

  constructor(firstWallMs: number, longestWallMs: number) {
    this.#wallLimitMs = Math.min(firstWallMs, longestWallMs);
    this.#longestWallMs = longestWallMs;
  }

  get wallLimitMs(): number {
    return this.#wallLimitMs;
  }

  get usesKeptRealms(): boolean {
    return this.#usesKeptRealms;
  }

  /** What this attempt comes to is the answer, and its writes are kept. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  tryFreshRealms(): void {
    if (!this.#usesKeptRealms) return;
    this.#usesKeptRealms = false;
    this.#isFinal = false;
  }

  /** Whether this attempt has all the time there is. */
  get isLongest(): boolean {
    return this.#wallLimitMs >= this.#longestWallMs;
  }

  tryLonger(): void {
    this.#wallLimitMs = this.#longestWallMs;
    this.#isFinal = false;
  }

  /** Calls `attempt`, which has to undo what it did unless the plan is final, until it is. */
  run<Result>(attempt: () => Result, onUndone?: (result: Result) => void): Result {
    for (;;) {
      this.#isFinal = true;
      const result = attempt();
      if (this.#isFinal) return result;
      onUndone?.(result);
    }
  }
}
