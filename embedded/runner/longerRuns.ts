/**
 * Which functions may run longer than their processor time when the machine is busy. One that used up the longer time, too,
 * may not for a while: whoever calls it in a loop would make everybody wait five seconds a call instead of one.
 */
const deniedForMs = 60_000;
/** Functions remembered; the one denied first is forgotten. */
const maxRemembered = 1_000;

export class LongerRuns {
  readonly #nowMs: () => number;
  readonly #deniedUntilMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  areAllowed(fn: { componentPath: string; name: string }): boolean {
    return this.#nowMs() >= (this.#deniedUntilMs.get(keyOf(fn)) ?? 0);
  }

  /** The function had the longer time and did not end. */
  wasted(fn: { componentPath: string; name: string }): void {
    const key = keyOf(fn);
    this.#deniedUntilMs.delete(key);
    this.#deniedUntilMs.set(key, this.#nowMs() + deniedForMs);
    const [first] = this.#deniedUntilMs.keys();
    if (this.#deniedUntilMs.size > maxRemembered && first !== undefined) this.#deniedUntilMs.delete(first);
  }
}

function keyOf({ componentPath, name }: { componentPath: string; name: string }): string {
  return JSON.stringify([componentPath, name]);
}
