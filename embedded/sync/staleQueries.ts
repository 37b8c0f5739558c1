/**
 * The queries that do not hold, and in which order they run: owners take turns by the time their queries took, also from one
 * slice to the next, whatever the number of their queries.
 */
import { FairOrder } from "../turns/fairOrder.ts";

interface StaleQuery {
  /** First commit that touched what was read; 0 when it must run whatever the time. */
  readonly staleSince: bigint | null;
}

export class StaleQueries<Owner, Query extends StaleQuery> {
  /** In whose line a query stands: that of who watched it first when it became stale. The others gain from it. */
  readonly #ownerOf = new Map<Query, Owner>();
  readonly #lines = new Map<Owner, Set<Query>>();
  readonly #order = new FairOrder<Owner>();
  /** Touched by commits that whoever runs queries now has not heard of: they still hold at its time. */
  readonly #later = new Set<Query>();
  #ts = 0n;

  get size(): number {
    return this.#ownerOf.size;
  }

  has(query: Query): boolean {
    return this.#ownerOf.has(query);
  }

  [Symbol.iterator](): IterableIterator<Query> {
    return this.#ownerOf.keys();
  }

  add(query: Query, owner: Owner): void {
    if (this.has(query)) this.#leaveLine(query);
    this.#ownerOf.set(query, owner);
    if ((query.staleSince ?? 0n) > this.#ts) this.#later.add(query);
    else this.#enterLine(query, owner);
  }

  delete(query: Query): void {
    if (!this.has(query)) return;
    this.#leaveLine(query);
    this.#ownerOf.delete(query);
  }

  /** From now on the queries that do not hold at `ts` are due. */
  advance(ts: bigint): void {
    this.#ts = ts;
    for (const query of this.#later) {
      if ((query.staleSince ?? 0n) > ts) continue;
      this.#later.delete(query);
      this.#enterLine(query, this.#ownerOf.get(query)!);
    }
  }

  /** Of those that are due, the first of the owner whose turn it is. */
  next(): Query | undefined {
    const next = this.#order.next();
    if (next === null) return undefined;
    const [query] = this.#lines.get(next.owner) ?? [];
    return query;
  }

  /** The query is going to run: its owner's next one has to wait for as long as that takes. */
  startTurn(query: Query, monotonicMs: () => number): (sharers: number) => void {
    const owner = this.#ownerOf.get(query)!;
    const startedMs = monotonicMs();
    // What many watch is paid by the one in whose line it stands, as far as it is for them.
    return (sharers) => this.#order.used(owner, (monotonicMs() - startedMs) / Math.max(1, sharers));
  }

  #enterLine(query: Query, owner: Owner): void {
    const line = this.#lines.get(owner);
    if (line === undefined) this.#lines.set(owner, new Set([query]));
    else line.add(query);
    this.#order.wait(owner);
  }

  #leaveLine(query: Query): void {
    if (this.#later.delete(query)) return;
    const owner = this.#ownerOf.get(query)!;
    const line = this.#lines.get(owner);
    line?.delete(query);
    if (line === undefined || line.size > 0) return;
    this.#lines.delete(owner);
    this.#order.leave(owner);
  }
}
