/**
 * The live queries of all sync sessions. Equal queries (function, arguments, journal, and caller if the result depends
 * on who asks) are one SharedQuery: a commit that touches what it read makes it run once, whatever the number of its
 * subscribers. Stands for Convex's query cache and subscriptions.
 */
import type { Caller, FunctionResult } from "../protocol/calls.ts";
import type { Commit, QueryCall, QueryRun } from "../protocol/engine.ts";
import { identityOf } from "../runner/identity.ts";
import { LiveReads } from "../transaction/liveReads.ts";
import { StaleQueries } from "./staleQueries.ts";

/** Results with equal fields are one object as long as their query is watched. */
export interface QueryResult {
  type: "QueryUpdated" | "QueryFailed";
  /** The fields of a StateModification behind its queryId, encoded once for all subscribers. */
  fields: string;
  bytes: number;
}

/** One query of one session. */
export interface Subscription<Owner> {
  readonly owner: Owner;
  readonly request: QueryCall;
  /** null after `unsubscribe`. */
  shared: SharedQuery<Owner> | null;
}

export interface SharedQuery<Owner> {
  key: string;
  /** As the first subscriber asked. */
  request: QueryCall;
  /** Where the pages of the last run ended: the next one ends them there too. */
  journal: string | null;
  subscriptions: Set<Subscription<Owner>>;
  result: QueryResult | null;
  /** First commit that touched what was read; 0 when it must run whatever the time; null while the result holds. */
  staleSince: bigint | null;
}

/** How far a refresh goes before it gives way. */
export interface Slice<Owner> {
  /** Asked after each query; at least one runs. */
  isOver: () => boolean;
  /** Only what this owner watches. */
  only?: Owner;
}

const whole = { isOver: () => false };

/** Runs queries at one snapshot; system queries too. */
export type RunQueries = (calls: QueryCall[]) => Promise<QueryRun[]>;

export class SharedQueries<Owner> {
  readonly #runQueries: RunQueries;
  readonly #byKey = new Map<string, SharedQuery<Owner>>();
  readonly #reads = new LiveReads<SharedQuery<Owner>>();
  readonly #stale = new StaleQueries<Owner, SharedQuery<Owner>>();
  readonly #monotonicMs: () => number;
  /** Commits seen while queries run: a run may have begun before one of them. */
  #recentCommits: Commit[] | null = null;

  constructor(runQueries: RunQueries, monotonicMs: () => number) {
    this.#runQueries = runQueries;
    this.#monotonicMs = monotonicMs;
  }

  get hasStale(): boolean {
    return this.#stale.size > 0;
  }

  /** Who watches something that does not hold at `ts`. */
  ownersDueAt(ts: bigint): Set<Owner> {
    const owners = new Set<Owner>();
    for (const query of this.#stale) {
      if (isDue(query, ts)) for (const { owner } of query.subscriptions) owners.add(owner);
    }
    return owners;
  }

  subscribe(owner: Owner, request: QueryCall): Subscription<Owner> {
    const subscription: Subscription<Owner> = { owner, request, shared: null };
    const anyone = this.#byKey.get(keyForAnyone(request, request.journal));
    this.#attach(subscription, anyone ?? this.#open(request, owner));
    return subscription;
  }

  unsubscribe(subscription: Subscription<Owner>): void {
    const { shared } = subscription;
    if (shared === null) return;
    subscription.shared = null;
    shared.subscriptions.delete(subscription);
    if (shared.subscriptions.size === 0) this.#drop(shared);
  }

  onCommit(commit: Commit): void {
    this.#recentCommits?.push(commit);
    for (const shared of this.#reads.touchedBy(commit.writes)) {
      if (shared.staleSince === null) this.#markStale(shared, commit.ts);
    }
  }

  /** New code or environment: whatever was read, run again. */
  markAllStale(): void {
    for (const shared of this.#byKey.values()) this.#markStale(shared, 0n);
  }

  markStaleWhere(isAffected: (call: QueryCall) => boolean): void {
    for (const shared of this.#byKey.values()) if (isAffected(shared.request)) this.#markStale(shared, 0n);
  }

  /**
   * Runs what does not hold at `ts`, the owners in turns, until every query holds at one timestamp or the slice is
   * over. The timestamp is returned: what is not stale holds at it. The caller must use the results in the same turn.
   * Calls `onChanged` for each owner that has a new result.
   */
  async refresh(ts: bigint, onChanged: (owner: Owner) => void, slice: Slice<Owner> = whole): Promise<bigint> {
    let snapshotTs = ts;
    this.#stale.advance(ts);
    const due = slice.only === undefined ? null : this.#dueOf(slice.only, () => snapshotTs);
    for (;;) {
      const query = due === null ? this.#stale.next() : due.next().value;
      if (query === undefined) return snapshotTs;
      const endTurn = this.#stale.startTurn(query, this.#monotonicMs);
      const runTs = await this.#run(query, onChanged);
      endTurn(query.subscriptions.size);
      if (runTs > snapshotTs) {
        snapshotTs = runTs;
        this.#stale.advance(runTs);
      }
      if (slice.isOver()) return snapshotTs;
    }
  }

  /** In rounds through all that is stale: a run may leave others of the owner's behind. */
  *#dueOf(only: Owner, ts: () => bigint): Generator<SharedQuery<Owner>, undefined> {
    for (;;) {
      const due = [...this.#stale].filter((query) => isDue(query, ts(), only));
      if (due.length === 0) return undefined;
      for (const query of due) if (this.#stale.has(query)) yield query;
    }
  }

  async #run(query: SharedQuery<Owner>, onChanged: (owner: Owner) => void): Promise<bigint> {
    const commits: Commit[] = [];
    this.#recentCommits = commits;
    try {
      const [run] = await this.#runQueries([{ ...query.request, journal: query.journal }]);
      if (run === undefined) throw new Error("a query gave no result");
      const missed = commits.find(({ ts, writes }) => ts > run.ts && run.reads.isTouchedBy(writes));
      this.#take(query, run, missed?.ts ?? null, onChanged);
      return run.ts;
    } finally {
      this.#recentCommits = null;
    }
  }

  #take(
    query: SharedQuery<Owner>,
    run: QueryRun,
    staleSince: bigint | null,
    onChanged: (owner: Owner) => void,
  ): void {
    if (query.subscriptions.size === 0) return; // everybody left while it ran
    this.#reads.set(query, run.reads);
    query.staleSince = staleSince;
    if (staleSince === null) this.#stale.delete(query);
    else this.#markStale(query, staleSince);
    query.journal = run.journal;
    const result = resultOf(run);
    if (!isSameResult(query.result, result)) {
      query.result = result;
      for (const { owner } of query.subscriptions) onChanged(owner);
    }
    this.#place(query, run.readIdentity);
  }

  /**
   * A run shows whether the result is for anyone or for this caller only, and where its pages end: who asks for the
   * same from now on shares it, and who asks for a first page without a journal gets one of its own.
   */
  #place(query: SharedQuery<Owner>, readIdentity: boolean): void {
    if (readIdentity) this.#leaveToCaller(query);
    if (query.subscriptions.size === 0) return this.#drop(query);
    const key = (readIdentity ? keyForCaller : keyForAnyone)(query.request, query.journal);
    if (key === query.key) return;
    const equal = this.#byKey.get(key);
    if (equal === undefined) {
      this.#byKey.delete(query.key);
      query.key = key;
      this.#byKey.set(key, query);
      return;
    }
    for (const subscription of query.subscriptions) this.#move(subscription, equal);
    this.#drop(query);
  }

  /** The result is that of one caller. The others get a query each, which runs before anybody is told. */
  #leaveToCaller(query: SharedQuery<Owner>): void {
    const caller = callerKey(query.request.caller);
    for (const subscription of query.subscriptions) {
      const { request } = subscription;
      if (callerKey(request.caller) !== caller)
        this.#move(subscription, this.#open({ ...request, journal: query.journal }, subscription.owner));
    }
  }

  #open(request: QueryCall, owner: Owner): SharedQuery<Owner> {
    const key = keyForCaller(request, request.journal);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const opened: SharedQuery<Owner> = {
      key,
      request,
      journal: request.journal ?? null,
      subscriptions: new Set(),
      result: null,
      staleSince: 0n,
    };
    this.#byKey.set(key, opened);
    this.#stale.add(opened, owner);
    return opened;
  }

  #attach(subscription: Subscription<Owner>, shared: SharedQuery<Owner>): void {
    subscription.shared = shared;
    shared.subscriptions.add(subscription);
  }

  #move(subscription: Subscription<Owner>, shared: SharedQuery<Owner>): void {
    subscription.shared?.subscriptions.delete(subscription);
    this.#attach(subscription, shared);
  }

  #drop(query: SharedQuery<Owner>): void {
    this.#byKey.delete(query.key);
    this.#stale.delete(query);
    this.#reads.delete(query);
  }

  #markStale(shared: SharedQuery<Owner>, since: bigint): void {
    shared.staleSince = since;
    const [first] = shared.subscriptions;
    if (first !== undefined) this.#stale.add(shared, first.owner);
  }
}

/** Whether the query must run before anybody concerned can be told what holds at `ts`. */
function isDue<Owner>({ staleSince, subscriptions }: SharedQuery<Owner>, ts: bigint, only?: Owner): boolean {
  if (staleSince === null || staleSince > ts) return false;
  return only === undefined || [...subscriptions].some(({ owner }) => owner === only);
}

/** What is asked for. Two first pages that ended elsewhere have different journals and stay apart. */
function baseKey({ componentPath, name, argsJson }: QueryCall, journal: string | null = null): string {
  return JSON.stringify([componentPath, name, argsJson, journal]);
}

/** Admins see internal functions, so what they get is not what anyone gets. */
function keyForAnyone(call: QueryCall, journal?: string | null): string {
  const { kind } = call.caller;
  const privilege = kind === "admin" || kind === "system" ? "privileged" : "anyone";
  return `${privilege} ${baseKey(call, journal)}`;
}

function keyForCaller(call: QueryCall, journal?: string | null): string {
  return `${callerKey(call.caller)} ${baseKey(call, journal)}`;
}

/** Equal for callers that functions cannot tell apart. */
function callerKey(caller: Caller): string {
  return JSON.stringify([caller.kind, identityOf(caller)]);
}

/** As on Convex, other log lines alone make another result: clients print them. */
export function isSameResult(a: QueryResult | null, b: QueryResult): boolean {
  return a === b || (a !== null && a.type === b.type && a.fields === b.fields);
}

function resultOf({ result, journal }: QueryRun): QueryResult {
  const tail = `"logLines":${JSON.stringify(result.logLines)},"journal":${JSON.stringify(journal)}`;
  return {
    type: result.status === "success" ? "QueryUpdated" : "QueryFailed",
    fields: `${contentOf(result)},${tail}`,
    bytes: Buffer.byteLength(result.status === "success" ? result.valueJson : result.message),
  };
}

function contentOf(result: FunctionResult): string {
  if (result.status === "success") return `"value":${result.valueJson}`;
  const errorData = result.dataJson === undefined ? "" : `,"errorData":${result.dataJson}`;
  return `"errorMessage":${JSON.stringify(result.message)}${errorData}`;
}
