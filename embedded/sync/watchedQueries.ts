/** The query set of one session: which queries the client watches, and which results it was told. */
import type { Caller } from "../protocol/calls.ts";
import type { SyncQueryChange } from "../protocol/syncMessages.ts";
import { isDue, type SharedQueries, type Subscription } from "./sharedQueries.ts";

interface Watched<Owner> {
  subscription: Subscription<Owner>;
  /** Digest of the result the client has. */
  toldDigest: string | null;
}

export class WatchedQueries<Owner> {
  readonly #owner: Owner;
  readonly #shared: SharedQueries<Owner>;
  readonly #recordSent: (componentPath: string, name: string, bytes: number) => void;
  readonly #watched = new Map<number, Watched<Owner>>();
  readonly #removed = new Set<number>();

  constructor(
    owner: Owner,
    shared: SharedQueries<Owner>,
    recordSent: (componentPath: string, name: string, bytes: number) => void,
  ) {
    this.#owner = owner;
    this.#shared = shared;
    this.#recordSent = recordSent;
  }

  get size(): number {
    return this.#watched.size;
  }

  /** Whether every result is that of one moment, `ts`. */
  holdsAt(ts: bigint): boolean {
    for (const { subscription } of this.#watched.values()) {
      if (subscription.shared !== null && isDue(subscription.shared, ts)) return false;
    }
    return true;
  }

  change(change: SyncQueryChange, caller: Caller): void {
    const { queryId } = change;
    this.#unwatch(queryId);
    if (change.type === "Remove") return;
    this.#removed.delete(queryId);
    const { componentPath, name, argsJson, journal } = change;
    const request = { componentPath, name, argsJson, journal, caller };
    this.#watched.set(queryId, {
      subscription: this.#shared.subscribe(this.#owner, request),
      toldDigest: null,
    });
  }

  /** Asks everything again as somebody else. Results that come out the same are not told again. */
  adopt(caller: Caller): void {
    for (const watched of this.#watched.values()) {
      this.#shared.unsubscribe(watched.subscription);
      const request = { ...watched.subscription.request, caller };
      watched.subscription = this.#shared.subscribe(this.#owner, request);
    }
  }

  clear(): void {
    for (const { subscription } of this.#watched.values()) this.#shared.unsubscribe(subscription);
    this.#watched.clear();
    this.#removed.clear();
  }

  /** The modifications of a Transition, encoded: everything the client has not been told yet. Counts as told. */
  takeModifications(): string[] {
    const modifications = Array.from(
      this.#removed,
      (queryId) => `{"type":"QueryRemoved","queryId":${queryId}}`,
    );
    this.#removed.clear();
    for (const [queryId, watched] of this.#watched) {
      const result = watched.subscription.shared?.result;
      if (result === undefined || result === null || result.digest === watched.toldDigest) continue;
      watched.toldDigest = result.digest;
      const { type, fields } = result.modification;
      modifications.push(`{"type":"${type}","queryId":${queryId},${fields}}`);
      const { componentPath, name } = watched.subscription.request;
      this.#recordSent(componentPath, name, result.bytes);
    }
    return modifications;
  }

  #unwatch(queryId: number): void {
    const watched = this.#watched.get(queryId);
    if (watched === undefined) return;
    this.#shared.unsubscribe(watched.subscription);
    this.#watched.delete(queryId);
    if (watched.toldDigest !== null) this.#removed.add(queryId);
  }
}
