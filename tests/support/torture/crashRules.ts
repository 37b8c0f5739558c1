/** What must hold in the data folder after each crash of a deployment that runs the fixture `torture`. */
import { storageFaults, type Stored, type StoredState } from "./storedState.ts";

/** What the clients know. */
export interface ClientKnowledge {
  /** Keys of mutations whose success was told. */
  acknowledged: ReadonlySet<string>;
  /** Keys of mutations that were refused: nothing of them may be there. */
  refused: ReadonlySet<string>;
  /** Newest timestamp that any client was told. */
  newestTs: bigint;
}

export function faultsAfterCrash(state: StoredState, knowledge: ClientKnowledge): string[] {
  return [
    ...storageFaults(state),
    ...operationFaults(state, knowledge),
    ...sumFaults(state),
    ...scheduledMutationFaults(state),
    ...scheduledActionFaults(state),
    ...clockFaults(state, knowledge),
    ...codeFaults(state),
  ];
}

function operationFaults(state: StoredState, { acknowledged, refused }: ClientKnowledge): string[] {
  const ops = state.documents("", "ops");
  const parts = Map.groupBy(state.documents("", "parts"), ({ key }) => key as string);
  const entries = countBy(state.documents("ledger", "entries"), "key");
  const keys = countBy(ops, "key");
  const faults: string[] = [];
  for (const [key, count] of keys) if (count > 1) faults.push(`${key} was applied ${count} times`);
  for (const key of acknowledged) if (!keys.has(key)) faults.push(`${key} was acknowledged and is not there`);
  for (const key of refused) if (keys.has(key)) faults.push(`${key} was refused and is there`);
  for (const { key, parts: wanted } of ops) {
    const found = parts.get(key as string)?.length ?? 0;
    if (found !== wanted) faults.push(`${String(key)} has ${found} of ${String(wanted)} parts`);
    if (entries.get(key as string) !== 1) faults.push(`${String(key)} has no entry in the component`);
  }
  for (const key of [...parts.keys(), ...entries.keys()]) {
    if (!keys.has(key)) faults.push(`of ${key} a part is there and the operation is not`);
  }
  return faults;
}

/** Sums that each mutation keeps must be those of the documents. */
function sumFaults(state: StoredState): string[] {
  const faults: string[] = [];
  const byClient = countBy(state.documents("", "ops"), "client");
  for (const { client, count } of state.documents("", "totals")) {
    const counted = byClient.get(client as string) ?? 0;
    if (counted !== count)
      faults.push(`${String(client)} has ${counted} operations and a total of ${String(count)}`);
  }
  const entries = state.documents("ledger", "entries");
  const [sums] = state.documents("ledger", "sums");
  const confirmed = entries.reduce((sum, { confirmations }) => sum + (confirmations as number), 0);
  if ((sums?.["entries"] ?? 0) !== entries.length)
    faults.push("the component's sum is not that of its entries");
  if ((sums?.["confirmations"] ?? 0) !== confirmed)
    faults.push("the component's confirmations do not add up");
  const ticks = state.documents("", "ticks").map(({ tick }) => tick);
  if (ticks.some((tick, index) => tick !== index + 1))
    faults.push(`cron ticks are not 1, 2, 3 …: ${ticks.join()}`);
  return faults;
}

/** Exactly once: the job has succeeded if and only if what it writes is there. */
function scheduledMutationFaults(state: StoredState): string[] {
  const faults: string[] = [];
  const marks = countBy(state.documents("", "marks"), ({ key, hop }) => `${String(key)} hop ${String(hop)}`);
  const confirmations = new Map(
    state
      .documents("ledger", "entries")
      .map(({ key, confirmations }) => [`${String(key)} confirm`, confirmations as number]),
  );
  const written = (effect: string): number => marks.get(effect) ?? confirmations.get(effect) ?? 0;
  for (const { component, document, rowState } of jobs(state)) {
    const { kind } = document["state"] as { kind: string };
    if (rowState !== (kind === "pending" || kind === "inProgress" ? kind : "finished"))
      faults.push(`the scheduler's row says ${rowState} where the document says ${kind}`);
    if (document["name"] === "jobs.js:act") continue;
    const [args] = document["args"] as [{ key: string; hop?: number }];
    const effect = component === "ledger" ? `${args.key} confirm` : `${args.key} hop ${args.hop}`;
    const wanted = kind === "success" ? 1 : 0;
    if (written(effect) !== wanted) faults.push(`${effect}: ${kind}, and done ${written(effect)} times`);
    if (kind === "inProgress" || kind === "failed")
      faults.push(`${effect} is ${JSON.stringify(document["state"])}`);
  }
  return faults;
}

/** At most once, and what was cut is marked failed. */
function scheduledActionFaults(state: StoredState): string[] {
  const faults: string[] = [];
  const phases = countBy(
    state.documents("", "phases"),
    ({ key, phase }) => `${String(key)} ${String(phase)}`,
  );
  for (const { document } of jobs(state)) {
    if (document["name"] !== "jobs.js:act") continue;
    const [{ key }] = document["args"] as [{ key: string }];
    const { kind, error } = document["state"] as { kind: string; error?: string };
    const done = [phases.get(`${key} begin`) ?? 0, phases.get(`${key} end`) ?? 0].join();
    const allowed: Record<string, string[]> = {
      pending: ["0,0"],
      inProgress: ["0,0", "1,0", "1,1"],
      success: ["1,1"],
      failed: ["0,0", "1,0", "1,1"],
    };
    if (allowed[kind]?.includes(done) !== true)
      faults.push(`the action of ${key} is ${kind} and did ${done}`);
    if (kind === "failed" && error !== "Transient error while executing action")
      faults.push(`the action of ${key} failed with ${error}`);
  }
  return faults;
}

function clockFaults(state: StoredState, { newestTs }: ClientKnowledge): string[] {
  const faults: string[] = [];
  const lastTs = state.lastTs();
  if (lastTs < newestTs)
    faults.push(`clients were told ${newestTs}, and the newest durable commit is ${lastTs}`);
  const [clock] = state.rows("SELECT last_creation_time AS last FROM clock");
  const [newest] = state.rows(
    "SELECT MAX(json_extract(json, '$._creationTime')) AS time, COUNT(*) AS count, COUNT(DISTINCT json_extract(json, '$._creationTime')) AS times FROM documents",
  );
  if (Number(newest?.["time"]) > Number(clock?.["last"])) faults.push("a document is younger than the clock");
  if (newest?.["count"] !== newest?.["times"]) faults.push("two documents have one creation time");
  return faults;
}

/** Code, indexes and crons are of one push. */
function codeFaults(state: StoredState): string[] {
  const [code] = state.rows("SELECT json FROM code");
  const named = [
    ...Array.from(
      String(code?.["json"]).matchAll(/generation(?:_| = | )(\d)/g),
      ([, generation]) => generation,
    ),
    ...state
      .rows("SELECT name FROM indexes WHERE name LIKE 'by_generation%' AND state = 'live'")
      .map(({ name }) => String(name).at(-1)),
    ...state.rows("SELECT name FROM crons").map(({ name }) => String(name).at(-1)),
  ];
  return new Set(named).size === 1 ? [] : [`code, indexes and crons are of several pushes: ${named.join()}`];
}

/** How scheduled functions have ended: `mutation success`, `action failed`, … */
export function endsOfJobs(state: StoredState): Map<string, number> {
  return countBy(
    jobs(state).map(({ document }) => document),
    (document) => {
      const { kind } = document["state"] as { kind: string };
      return `${document["name"] === "jobs.js:act" ? "action" : "mutation"} ${kind}`;
    },
  );
}

function jobs(state: StoredState): { component: string; document: Stored; rowState: string }[] {
  const rowStates = new Map(
    state.rows("SELECT id, state FROM scheduled_jobs").map((row) => [row["id"], row["state"]]),
  );
  return ["", "ledger"].flatMap((component) =>
    state.documents(component, "_scheduled_functions").map((document) => ({
      component,
      document,
      rowState: String(rowStates.get(document._id)),
    })),
  );
}

function countBy(documents: Stored[], by: string | ((document: Stored) => string)): Map<string, number> {
  const counts = new Map<string, number>();
  for (const document of documents) {
    const key = typeof by === "string" ? String(document[by]) : by(document);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Indexes of pushes that are on their way. */
export function pendingIndexes(state: StoredState): string[] {
  return state.rows("SELECT name FROM indexes WHERE state = 'pending'").map(({ name }) => String(name));
}

/** How many scheduled functions are due and have not ended; those that wait to be cancelled are hours away. */
export function jobsUnderWay(state: StoredState): number {
  const soon = Date.now() + 60_000;
  return state.rows("SELECT 1 FROM scheduled_jobs WHERE state <> 'finished' AND at_ms < ?", soon).length;
}
