/** How often something came out of a random test: what it was written for must have happened, or it shows nothing. */
export class Tally {
  readonly #counts = new Map<string, number>();

  count(kind: string, times = 1): void {
    this.#counts.set(kind, this.of(kind) + times);
  }

  of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Kinds that came less often than they should at least, in sentences. Floors lie far below what is expected: no dice reach them. */
  tooRare(floors: Readonly<Record<string, number>>): string[] {
    return Object.entries(floors).flatMap(([kind, floor]) =>
      this.of(kind) < floor ? [`${kind}: ${this.of(kind)} times, not ${floor}`] : [],
    );
  }

  get text(): string {
    return JSON.stringify(Object.fromEntries(this.#counts));
  }
}
