/** The query set of one session: which queries the client watches, and which results it was told. */
import type { Caller } from "../protocol/calls.ts";
import type { SyncQueryChange } from "../protocol/syncMessages.ts";
import { isSameResult } from "./sharedQueries.ts";
import type { QueryResult, SharedQueries, Subscription } from "./sharedQueries.ts";

interface Watched<Owner> {
  subscription: Subscription<Owner>;
  /** The result the client has. */
  told: QueryResult | null;
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

  change(change: SyncQueryChange, caller: Caller): void {
    const { queryId } = change;
    this.#unwatch(queryId);
    if (change.type === "Remove") return;
    this.#removed.delete(queryId);
    const { componentPath, name, argsJson, journal } = change;
    const request = { componentPath, name, argsJson, journal, caller };
    this.#watched.set(queryId, {
      subscription: this.#shared.subscribe(this.#owner, request),
      told: null,
    });
  }

  /** Asks everything again as somebody else. Pages end where they ended, and equal results are not told again. */
  adopt(caller: Caller): void {
    for (const watched of this.#watched.values()) {
      const former = watched.subscription;
      const { request: asked, shared } = former;
      const request = { ...asked, caller, journal: shared?.journal ?? asked.journal ?? null };
      watched.subscription = this.#shared.subscribe(this.#owner, request);
      // Not before: a result that is the same for both would be thrown away and made again.
      this.#shared.unsubscribe(former);
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
      if (result === undefined || result === null || isSameResult(watched.told, result)) continue;
      watched.told = result;
      const { type, fields } = result;
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
    if (watched.told !== null) this.#removed.add(queryId);
  }
}
