/** Opens the database of an engine and wires store, transactions, runner, scheduler and usage to one another. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import { FileStore } from "./files/fileStore.ts";
import { folderUnusable } from "./folderUnusable.ts";
import type { ActionRunner } from "./protocol/actions.ts";
import type { FunctionCompletion } from "./protocol/calls.ts";
import type { DeployedCode } from "./protocol/deployedCode.ts";
import { CallRunner } from "./runner/callRunner.ts";
import { FunctionAddresses } from "./runner/functionAddress.ts";
import type { RunnerServices } from "./runner/functionRun.ts";
import { Paginator } from "./runner/pagination.ts";
import type { RunningCall } from "./runner/runningCall.ts";
import { LongerRuns } from "./runner/longerRuns.ts";
import { StepRealms } from "./runner/stepRealms.ts";
import { DEFAULT_WALL_LIMIT_MS } from "./runner/userTime.ts";
import { cancelJob, scheduleJob } from "./scheduler/scheduledJobs.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import type { Timers } from "./scheduler/scheduledRuns.ts";
import { Catalog } from "./store/catalog.ts";
import { CodeStore } from "./store/codeStore.ts";
import { Database } from "./store/database.ts";
import { EnvironmentStore } from "./store/environmentStore.ts";
import { IndexUpkeep } from "./store/indexUpkeep.ts";
import { MutationResults } from "./store/mutationResults.ts";
import { SchemaPreparations } from "./store/schemaPreparations.ts";
import { Secrets } from "./store/secrets.ts";
import { VisibleEnvironment } from "./store/visibleEnvironment.ts";
import { CommitClock } from "./transaction/commitClock.ts";
import { Transactions } from "./transaction/transactions.ts";
import { TRANSACTION_LIMITS } from "./transaction/transactionUsage.ts";
import type { UsageCounts } from "./transaction/transactionUsage.ts";
import { CompletionLog } from "./usage/completionLog.ts";
import { UsageLedger } from "./usage/usageLedger.ts";

export interface EngineOptions {
  /** Folder of the database file; made when missing. */
  dataDir: string;
  instanceName: string;
  timers: Timers;
  /** Processor time this thread has used. */
  threadCpuMs: () => number;
  limits?: Partial<EngineLimits>;
  /** Must be cryptographically strong outside tests. */
  randomBytes: (count: number) => Uint8Array;
  /** Where the thread can be replaced when it dies: notes what it runs. */
  runningCall?: RunningCall;
  /** Of this thread; names the limit to whoever asks for a call that went beyond it. */
  maxMemoryMb?: number;
  log: (line: string) => void;
  /** Told of each function that has run. */
  onCompletion?: (completion: FunctionCompletion) => void;
  runAction: ActionRunner;
  /** In which the scheduler takes turns with other callers of functions; at once by default. */
  takeTurn?: (work: () => void) => void;
  /** How long calls that arrived together have been waiting for their commit; tests hold this clock. */
  monotonicMs?: () => number;
  /** Opens the database file; tests give one that fails. */
  openDatabase?: (path: string) => Database;
  /** What every component sees besides the variables: CONVEX_CLOUD_URL, CONVEX_SITE_URL. */
  builtInEnvironment: () => Readonly<Record<string, string>>;
}

export interface EngineLimits {
  /** Wall time of one query or mutation. */
  functionWallMs: number;
  transaction: UsageCounts;
}

export interface EngineParts {
  database: Database;
  catalog: Catalog;
  codeStore: CodeStore;
  environment: EnvironmentStore;
  clock: CommitClock;
  transactions: Transactions;
  services: RunnerServices;
  calls: CallRunner;
  scheduler: Scheduler;
  preparations: SchemaPreparations;
  indexUpkeep: IndexUpkeep;
  ledger: UsageLedger;
  completions: CompletionLog;
  logError: (error: unknown) => void;
}

type Store = Pick<EngineParts, "database" | "catalog" | "codeStore" | "environment" | "clock">;

/** A client that was away for longer has given up its session. */
const KEEP_MUTATION_RESULTS_MS = 24 * 60 * 60 * 1000;

export function openEngineParts(options: EngineOptions): EngineParts {
  const { timers, randomBytes, limits, runAction } = options;
  const store = openStore(options);
  const { database, catalog, codeStore, clock } = store;
  const ledger = new UsageLedger();
  const completions = new CompletionLog(timers.setTimer, options.onCompletion);
  const mutationResults = new MutationResults(database);
  const logError = (error: unknown): void =>
    options.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const transactions = new Transactions({
    database,
    catalog,
    clock,
    randomBytes,
    limits: limits?.transaction ?? TRANSACTION_LIMITS,
    documentValidator: (component, table) => codeStore.documentType(component, table),
    pacing: { whenIdle: inLaterTurn, monotonicMs: options.monotonicMs ?? (() => performance.now()) },
    onListenerError: logError,
  });
  const files = openFileStore(options, database, transactions, logError);
  let hasScheduled = false;
  const services = makeServices(options, store, files, ledger, transactions, () => {
    hasScheduled = true;
  });
  const calls = new CallRunner({
    transactions,
    services,
    codeStore,
    mutationResults,
    ledger,
    completions,
    latestTs: () => clock.latestTs(),
    nowMs: timers.nowMs,
    randomBytes,
    runningCall: options.runningCall ?? null,
    tableNames: (component) => catalog.tableNames(component),
    runAction,
  });
  const scheduler = new Scheduler({
    timers,
    takeTurn: options.takeTurn ?? ((work) => work()),
    transactions,
    kindOf: (call) => calls.kindOf(call),
    runMutationIn: (transaction, call, jobId) => calls.mutationIn(transaction, call, jobId),
    onMutationEnd: (call, result, startedAtMs) => calls.recordMutation(call, result, startedAtMs),
    runAction: (call, jobId) => calls.action(call, jobId),
    onNotRun: (kind, call, message) => calls.recordNotRun(kind, call, message),
    sweep: (transaction, nowMs, limit) => {
      const removed = mutationResults.removeOlderThan(nowMs - KEEP_MUTATION_RESULTS_MS, limit);
      if (removed > 0) transaction.touch();
      return removed;
    },
    onError: logError,
  });
  transactions.onCommit(() => {
    if (hasScheduled) scheduler.wake();
    hasScheduled = false;
  });
  const indexing = makeIndexing(options, store, transactions, logError);
  return { ...store, ...indexing, transactions, services, calls, scheduler, ledger, completions, logError };
}

/** What is done to indexes in parts, beside other work. */
function makeIndexing(
  { timers }: EngineOptions,
  { database, catalog, codeStore }: Store,
  transactions: Transactions,
  onError: (error: unknown) => void,
): Pick<EngineParts, "preparations" | "indexUpkeep"> {
  const shared = { transactions, catalog, nextTurn };
  const running = (): DeployedCode | null => codeStore.current();
  const indexUpkeep = new IndexUpkeep({ ...shared, database, onError });
  indexUpkeep.start();
  return {
    preparations: new SchemaPreparations({ ...shared, running, setTimer: timers.setTimer }),
    indexUpkeep,
  };
}

/** After the messages that have arrived: what they ask for joins the batch. */
function inLaterTurn(callback: () => void): () => void {
  const immediate = setImmediate(callback);
  return () => clearImmediate(immediate);
}

function openStore({ dataDir, timers, openDatabase }: EngineOptions): Store {
  try {
    mkdirSync(dataDir, { recursive: true });
    const path = join(dataDir, "deployment.sqlite");
    const database = openDatabase?.(path) ?? new Database(path);
    return {
      database,
      catalog: new Catalog(database),
      codeStore: new CodeStore(database),
      environment: new EnvironmentStore(database),
      clock: new CommitClock(database, timers.nowMs),
    };
  } catch (cause) {
    throw folderUnusable(dataDir, cause);
  }
}

function openFileStore({ dataDir }: EngineOptions, ...rest: FileStoreParts): FileStore {
  try {
    return new FileStore(dataDir, ...rest);
  } catch (cause) {
    throw folderUnusable(dataDir, cause);
  }
}

type FileStoreParts = [Database, Transactions, (error: unknown) => void];

function makeServices(
  options: EngineOptions,
  { database, codeStore, environment }: Store,
  files: FileStore,
  ledger: UsageLedger,
  transactions: Transactions,
  onSchedule: () => void,
): RunnerServices {
  const { timers, instanceName, randomBytes, threadCpuMs, limits, builtInEnvironment } = options;
  const secrets = new Secrets(database, randomBytes);
  const visible = new VisibleEnvironment(() => ({
    code: codeStore.current(),
    variables: environment.all(),
    builtIn: builtInEnvironment(),
  }));
  return {
    addresses: new FunctionAddresses(secrets),
    paginator: new Paginator(secrets),
    storage: {
      store: files,
      secrets,
      origin: () => builtInEnvironment()["CONVEX_CLOUD_URL"] ?? "",
      nowMs: timers.nowMs,
    },
    instanceName,
    threadCpuMs,
    maxMemoryMb: options.maxMemoryMb ?? 0,
    realms: new StepRealms(options.log),
    longerRuns: new LongerRuns(timers.nowMs),
    wallLimitMs: limits?.functionWallMs ?? DEFAULT_WALL_LIMIT_MS,
    environmentOf: (componentPath) => visible.of(componentPath),
    schedule: (transaction, from, job) => {
      onSchedule();
      return scheduleJob(transaction, from, job, timers.nowMs());
    },
    readDurable: (work) => transactions.readDurable(work),
    cancelScheduled: (transaction, from, id) => cancelJob(transaction, from, id, timers.nowMs()),
    countUsage: (fn, usage, failed) => ledger.countRun(fn.componentPath, fn.name, usage, failed),
  };
}
