/**
 * Who comes next of those that wait: whoever has had the thread for the least time. Start-time fair queueing (Goyal, Vin and
 * Cheng, SIGCOMM 1996): each turn begins, in virtual time, where the owner's last one ended, and the earliest begins first.
 * Virtual time goes on as fast as one of those that wait is served, so that nobody gathers credit while idle, and
 * nobody waits for ever behind newcomers.
 */

interface Place<Owner> {
  readonly owner: Owner;
  readonly startMs: number;
  readonly sequence: number;
  isLeft: boolean;
}

/** Of a turn too short to be measured, so that owners with such turns alternate. */
const shortestTurnMs = 0.01;
/** Below so many, what has no meaning any more is not worth looking for. */
const fewEntries = 64;

export class FairOrder<Owner> {
  /** A binary heap. Places that were left stay until they come up, or until they are most of it. */
  #heap: Place<Owner>[] = [];
  readonly #places = new Map<Owner, Place<Owner>>();
  /** In virtual time, of those that had a turn. */
  readonly #endsMs = new Map<Owner, number>();
  #nowMs = 0;
  #sequence = 0;
  #lookThroughAt = fewEntries;

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /** The owner has something to be done from now on. */
  wait(owner: Owner): void {
    if (!this.#places.has(owner)) this.#put(owner, this.#startOf(owner));
  }

  /** The owner has nothing to be done any more. */
  leave(owner: Owner): void {
    this.#vacate(owner);
    if (this.isEmpty) this.#forgetAll();
    else if (this.#heap.length > 2 * this.#places.size + fewEntries) this.#rebuild();
  }

  /** Whose turn it is, of those that wait; null when there is nobody. */
  next(): { owner: Owner } | null {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (!first.isLeft) {
        this.#nowMs = Math.max(this.#nowMs, first.startMs);
        return first;
      }
      this.#removeFirst();
    }
    return null;
  }

  /** The owner has had the thread for so long, in its turn or beside it. */
  used(owner: Owner, ms: number): void {
    const place = this.#places.get(owner);
    const usedMs = Math.max(ms, shortestTurnMs);
    const endMs = (place?.startMs ?? this.#startOf(owner)) + usedMs;
    this.#endsMs.set(owner, endMs);
    this.#nowMs += usedMs / Math.max(1, this.#places.size);
    if (place !== undefined) {
      this.#vacate(owner);
      this.#put(owner, endMs);
    }
    if (this.#endsMs.size > this.#lookThroughAt) this.#forgetPast();
  }

  #startOf(owner: Owner): number {
    return Math.max(this.#nowMs, this.#endsMs.get(owner) ?? 0);
  }

  #put(owner: Owner, startMs: number): void {
    const place = { owner, startMs, sequence: this.#sequence++, isLeft: false };
    this.#places.set(owner, place);
    this.#heap.push(place);
    this.#rise(this.#heap.length - 1);
  }

  #vacate(owner: Owner): void {
    const place = this.#places.get(owner);
    if (place !== undefined) place.isLeft = true;
    this.#places.delete(owner);
  }

  #forgetAll(): void {
    this.#heap = [];
    this.#endsMs.clear();
    this.#nowMs = 0;
    this.#lookThroughAt = fewEntries;
  }

  /** Who ended before now begins now, whatever it had. */
  #forgetPast(): void {
    for (const [owner, endMs] of this.#endsMs) if (endMs <= this.#nowMs) this.#endsMs.delete(owner);
    this.#lookThroughAt = 2 * this.#endsMs.size + fewEntries;
  }

  #rebuild(): void {
    this.#heap = [...this.#places.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #rise(from: number): void {
    const place = this.#heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isBefore(place, this.#heap[parent]!)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = place;
  }

  #removeFirst(): void {
    const place = this.#heap.pop()!;
    const { length } = this.#heap;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < length && isBefore(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (child >= length || isBefore(place, this.#heap[child]!)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = place;
  }
}

function isBefore<Owner>(a: Place<Owner>, b: Place<Owner>): boolean {
  return a.startMs < b.startMs || (a.startMs === b.startMs && a.sequence < b.sequence);
}
