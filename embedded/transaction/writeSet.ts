/** The index keys a transaction wrote, those a document had before and those it has after. */
import type { WriteSet } from "../protocol/engine.ts";
import type { IndexKey } from "../values/indexKey.ts";

export class IndexWrites implements WriteSet {
  /** Set by changes that any result may depend on: code, environment. */
  touchesEverything = false;
  readonly #log: { indexId: number; key: IndexKey }[] = [];
  #grouped: Map<number, IndexKey[]> | null = null;

  static ofEverything(): IndexWrites {
    const writes = new IndexWrites();
    writes.touchesEverything = true;
    return writes;
  }

  get isEmpty(): boolean {
    return !this.touchesEverything && this.#log.length === 0;
  }

  add(indexId: number, key: IndexKey): void {
    this.#log.push({ indexId, key });
    this.#grouped = null;
  }

  /** Position to roll back to. */
  mark(): number {
    return this.#log.length;
  }

  rollbackTo(mark: number): void {
    this.#log.length = mark;
    this.#grouped = null;
  }

  byIndex(): ReadonlyMap<number, IndexKey[]> {
    if (this.#grouped) return this.#grouped;
    const grouped = new Map<number, IndexKey[]>();
    for (const { indexId, key } of this.#log) {
      const keys = grouped.get(indexId);
      if (keys) keys.push(key);
      else grouped.set(indexId, [key]);
    }
    this.#grouped = grouped;
    return grouped;
  }
}
