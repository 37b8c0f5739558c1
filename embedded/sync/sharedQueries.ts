/**
 * The live queries of all sync sessions. Equal queries (function, arguments, journal, and caller if the result depends
 * on who asks) are one SharedQuery: a commit that touches what it read makes it run once, whatever the number of its
 * subscribers. Stands for Convex's query cache and subscriptions.
 */
import { hash } from "node:crypto";
import type { Caller, FunctionResult } from "../protocol/calls.ts";
import type { Commit, QueryCall, QueryRun, ReadSet } from "../protocol/engine.ts";
import { OwnerTurns } from "./ownerTurns.ts";

export interface QueryResult {
  /** Equal for equal results; log lines do not count. */
  digest: string;
  /** The fields of a StateModification behind its queryId, encoded once for all subscribers. */
  modification: { type: "QueryUpdated" | "QueryFailed"; fields: string };
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
  /** As the first subscriber asked; a later run continues from `journal`. */
  request: QueryCall;
  journal: string | null;
  subscriptions: Set<Subscription<Owner>>;
  result: QueryResult | null;
  reads: ReadSet | null;
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
  readonly #stale = new Set<SharedQuery<Owner>>();
  readonly #turns = new OwnerTurns<Owner>();
  /** Commits seen while queries run: a run may have begun before one of them. */
  #recentCommits: Commit[] | null = null;

  constructor(runQueries: RunQueries) {
    this.#runQueries = runQueries;
  }

  get hasStale(): boolean {
    return this.#stale.size > 0;
  }

  subscribe(owner: Owner, request: QueryCall): Subscription<Owner> {
    const subscription: Subscription<Owner> = { owner, request, shared: null };
    const anyone = this.#byKey.get(keyForAnyone(request));
    this.#attach(subscription, anyone ?? this.#open(keyForCaller(request), request));
    return subscription;
  }

  unsubscribe(subscription: Subscription<Owner>): void {
    const { shared } = subscription;
    if (shared === null) return;
    subscription.shared = null;
    shared.subscriptions.delete(subscription);
    if (shared.subscriptions.size > 0) return;
    this.#byKey.delete(shared.key);
    this.#stale.delete(shared);
  }

  onCommit(commit: Commit): void {
    this.#recentCommits?.push(commit);
    for (const shared of this.#byKey.values()) {
      if (shared.staleSince === null && shared.reads?.isTouchedBy(commit.writes) === true)
        this.#markStale(shared, commit.ts);
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
   * Runs what does not hold at `ts`, owner by owner in turns, until every query holds at one timestamp or the slice is
   * over. The timestamp is returned: what is not stale holds at it. The caller must use the results in the same turn.
   * Calls `onChanged` for each owner that has a new result.
   */
  async refresh(ts: bigint, onChanged: (owner: Owner) => void, slice: Slice<Owner> = whole): Promise<bigint> {
    let snapshotTs = ts;
    for (;;) {
      const outdated = this.#turns.order(
        [...this.#stale].filter((query) => isDue(query, snapshotTs, slice.only)),
      );
      if (outdated.length === 0) return snapshotTs;
      for (const query of outdated) {
        if (!this.#stale.has(query)) continue; // everybody left, or it was merged with an equal one
        this.#turns.taken(query);
        const runTs = await this.#run(query, onChanged);
        if (runTs > snapshotTs) snapshotTs = runTs;
        if (slice.isOver()) return snapshotTs;
      }
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
    query.reads = run.reads;
    query.staleSince = staleSince;
    if (staleSince === null) this.#stale.delete(query);
    query.journal = run.journal;
    const result = resultOf(run);
    if (query.result?.digest !== result.digest) {
      query.result = result;
      for (const { owner } of query.subscriptions) onChanged(owner);
    }
    this.#place(query, run.readIdentity);
  }

  /** Moves a query between "for anyone" and "for this caller" when its run shows which it is. */
  #place(query: SharedQuery<Owner>, readIdentity: boolean): void {
    const anyoneKey = keyForAnyone(query.request);
    if (readIdentity && query.key === anyoneKey) this.#narrow(query);
    else if (!readIdentity && query.key !== anyoneKey) this.#widen(query, anyoneKey);
  }

  /** The result is that of one caller. The others get a query each, which runs before anybody is told. */
  #narrow(query: SharedQuery<Owner>): void {
    this.#rekey(query, keyForCaller(query.request));
    for (const subscription of query.subscriptions) {
      const key = keyForCaller(subscription.request);
      if (key !== query.key) this.#move(subscription, this.#open(key, subscription.request));
    }
    if (query.subscriptions.size === 0) this.#drop(query);
  }

  #widen(query: SharedQuery<Owner>, anyoneKey: string): void {
    const anyone = this.#byKey.get(anyoneKey);
    if (anyone === undefined) {
      this.#rekey(query, anyoneKey);
      return;
    }
    for (const subscription of query.subscriptions) this.#move(subscription, anyone);
    this.#drop(query);
  }

  #rekey(query: SharedQuery<Owner>, key: string): void {
    this.#byKey.delete(query.key);
    query.key = key;
    this.#byKey.set(key, query);
  }

  #open(key: string, request: QueryCall): SharedQuery<Owner> {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const opened: SharedQuery<Owner> = {
      key,
      request,
      journal: request.journal ?? null,
      subscriptions: new Set(),
      result: null,
      reads: null,
      staleSince: 0n,
    };
    this.#byKey.set(key, opened);
    this.#stale.add(opened);
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
  }

  #markStale(shared: SharedQuery<Owner>, since: bigint): void {
    shared.staleSince = since;
    this.#stale.add(shared);
  }
}

/** Whether the query must run before anybody concerned can be told what holds at `ts`. */
export function isDue<Owner>(
  { staleSince, subscriptions }: SharedQuery<Owner>,
  ts: bigint,
  only?: Owner,
): boolean {
  if (staleSince === null || staleSince > ts) return false;
  return only === undefined || [...subscriptions].some(({ owner }) => owner === only);
}

/** Journals are part of the first key only: two pages that ended elsewhere stay apart. */
function baseKey({ componentPath, name, argsJson, journal }: QueryCall): string {
  return JSON.stringify([componentPath, name, argsJson, journal ?? null]);
}

/** Admins see internal functions, so what they get is not what anyone gets. */
function keyForAnyone(call: QueryCall): string {
  return `${privilege(call.caller)} ${baseKey(call)}`;
}

function keyForCaller(call: QueryCall): string {
  return `${JSON.stringify(call.caller)} ${baseKey(call)}`;
}

function privilege(caller: Caller): string {
  return caller.kind === "admin" || caller.kind === "system" ? "privileged" : "anyone";
}

function resultOf({ result, journal }: QueryRun): QueryResult {
  const encodedJournal = JSON.stringify(journal);
  const tail = `"logLines":${JSON.stringify(result.logLines)},"journal":${encodedJournal}`;
  const content = contentOf(result);
  return {
    digest: hash("sha256", `${result.status} ${content} ${encodedJournal}`),
    modification: {
      type: result.status === "success" ? "QueryUpdated" : "QueryFailed",
      fields: `${content},${tail}`,
    },
    bytes: Buffer.byteLength(result.status === "success" ? result.valueJson : result.message),
  };
}

function contentOf(result: FunctionResult): string {
  if (result.status === "success") return `"value":${result.valueJson}`;
  const errorData = result.dataJson === undefined ? "" : `,"errorData":${result.dataJson}`;
  return `"errorMessage":${JSON.stringify(result.message)}${errorData}`;
}
