/** The index intervals a transaction read: what a query's result depends on. */
import type { ReadSet, WriteSet } from "../protocol/engine.ts";
import { keyAfter } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import { IndexWrites } from "./writeSet.ts";

/** Keys from `lower` (included) to `upper` (excluded; null is the end of the index). Empty when they are equal. */
export interface KeyInterval {
  lower: IndexKey;
  upper: IndexKey | null;
}

export class IndexReads implements ReadSet {
  readonly #byIndex = new Map<number, KeyInterval[]>();
  #settled = false;

  /** @returns the recorded interval; a reader that goes on widens it in place. */
  add(indexId: number, interval: KeyInterval): KeyInterval {
    const recorded = { ...interval };
    const intervals = this.#byIndex.get(indexId);
    if (intervals) intervals.push(recorded);
    else this.#byIndex.set(indexId, [recorded]);
    this.#settled = false;
    return recorded;
  }

  addPoint(indexId: number, key: IndexKey): void {
    this.add(indexId, { lower: key, upper: keyAfter(key) });
  }

  isTouchedBy(writes: WriteSet): boolean {
    if (!(writes instanceof IndexWrites)) throw new TypeError("A write set of another engine");
    if (writes.touchesEverything) return true;
    this.#settle();
    for (const [indexId, keys] of writes.byIndex()) {
      const intervals = this.#byIndex.get(indexId);
      if (intervals && keys.some((key) => containsKey(intervals, key))) return true;
    }
    return false;
  }

  /** By index, sorted and disjoint, none empty. A reader must not go on afterwards. */
  intervals(): ReadonlyMap<number, readonly KeyInterval[]> {
    this.#settle();
    return this.#byIndex;
  }

  /** Sorts the intervals and joins those that meet, so that a look-up is a binary search. */
  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const [indexId, intervals] of this.#byIndex) {
      const sorted = intervals.filter((interval) => !isEmpty(interval));
      sorted.sort((a, b) => Buffer.compare(a.lower, b.lower));
      const joined: KeyInterval[] = [];
      for (const interval of sorted) {
        const last = joined.at(-1);
        if (last && (last.upper === null || Buffer.compare(interval.lower, last.upper) <= 0)) {
          last.upper = largerUpper(last.upper, interval.upper);
        } else joined.push(interval);
      }
      if (joined.length > 0) this.#byIndex.set(indexId, joined);
      else this.#byIndex.delete(indexId);
    }
  }
}

function isEmpty({ lower, upper }: KeyInterval): boolean {
  return upper !== null && Buffer.compare(lower, upper) >= 0;
}

export function largerUpper(a: IndexKey | null, b: IndexKey | null): IndexKey | null {
  if (a === null || b === null) return null;
  return Buffer.compare(a, b) >= 0 ? a : b;
}

/** @param intervals - Sorted and disjoint. */
function containsKey(intervals: readonly KeyInterval[], key: IndexKey): boolean {
  let low = 0;
  let high = intervals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const interval = intervals[middle];
    if (!interval) return false;
    if (Buffer.compare(key, interval.lower) < 0) high = middle;
    else if (interval.upper !== null && Buffer.compare(key, interval.upper) >= 0) low = middle + 1;
    else return true;
  }
  return false;
}
