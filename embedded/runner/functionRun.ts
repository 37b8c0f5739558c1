/**
 * Runs one query or mutation, and what it calls, inside a transaction: validates arguments and result, gives the
 * realm its host, attributes usage. It begins and ends no transaction.
 */
import type { FunctionResult, LogLine } from "../protocol/calls.ts";
import type { DeployedCode } from "../protocol/deployedCode.ts";
import type { StorageServices } from "../files/storageSyscalls.ts";
import { noUsage } from "../transaction/transactionUsage.ts";
import type { UsageCounts } from "../transaction/transactionUsage.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { DeployedFunction } from "./deployedFunctions.ts";
import { encodedArguments, encodedResult } from "./functionValues.ts";
import type { FunctionAddresses } from "./functionAddress.ts";
import { addLogLine } from "./logLines.ts";
import type { LongerRuns } from "./longerRuns.ts";
import type { Paginator } from "./pagination.ts";
import { hideCommitTs, resolveCommitTs } from "./pendingCommitTs.ts";
import { QueryStreams } from "./queryStreams.ts";
import type { RealmHost } from "./realm.ts";
import { outOfMemory } from "./runningCall.ts";
import type { RunPlan } from "./runPlan.ts";
import type { StepRealms } from "./stepRealms.ts";
import { answerAsyncSyscall, answerSyscall } from "./syscalls.ts";
import { isThreadEnding } from "./timeGuard.ts";
import { TIMED_OUT, UserTime } from "./userTime.ts";

/** What every run needs of the deployment. */
export interface RunnerServices {
  addresses: FunctionAddresses;
  paginator: Paginator;
  storage: StorageServices;
  instanceName: string;
  /** Processor time this thread has used. */
  threadCpuMs: () => number;
  /** Wall time of one request with all it calls. */
  wallLimitMs: number;
  realms: StepRealms;
  longerRuns: LongerRuns;
  /** Of this thread, in MB. */
  maxMemoryMb: number;
  environmentOf(componentPath: string): Readonly<Record<string, string>>;
  /** Puts a call into the schedule, in the transaction; returns its id in `_scheduled_functions`. */
  schedule(transaction: Transaction, fromComponent: string, job: ScheduleRequest): string;
  cancelScheduled(transaction: Transaction, fromComponent: string, jobId: string): void;
  /** Runs `work` on what is durable, beside the transaction under way. */
  readDurable<Result>(work: (transaction: Transaction) => Result): Result;
  countUsage(fn: DeployedFunction, usage: UsageCounts, failed: boolean): void;
}

export interface ScheduleRequest {
  componentPath: string;
  name: string;
  /** Convex JSON of the arguments object, encoded. */
  argsJson: string;
  atMs: number;
  /** The scheduled job in whose run this was asked for. */
  parentJobId: string | null;
}

/** One call from outside with everything it calls in the same transaction. */
export interface FunctionRequest {
  code: DeployedCode;
  transaction: Transaction;
  /** Whoever runs the request undoes it and runs it again while the plan is not final. */
  plan: RunPlan;
  /** How many functions stand between the one from outside and the one that runs now. */
  depth: number;
  /** Of the function that runs now, innermost. */
  userTime: UserTime | null;
  /** Attributes of the user, null when nobody is logged in. */
  identity: Record<string, unknown> | null;
  authToken: string | null;
  requestId: string;
  /** What `Date.now()` shows. */
  nowMs: number;
  randomSeed: string;
  /** Timestamp of the latest commit it sees. */
  snapshotTs: bigint;
  /** Set when this belongs to the run of a scheduled job. */
  scheduledJobId: string | null;
  logLines: LogLine[];
  /** Set by the run: whether the result depends on who asked. */
  readIdentity: boolean;
  /** In: cursor where the page of the former run ended. Out: where the page of this run ended. */
  journal: string | null;
}

/** `snapshotQuery`: a query that sees what is durable and nothing of the transaction that calls it. */
export type CalledKind = "query" | "snapshotQuery" | "mutation";

/** One function on the stack of a request. */
export interface FunctionFrame {
  request: FunctionRequest;
  services: RunnerServices;
  fn: DeployedFunction;
  kind: "query" | "mutation";
  streams: QueryStreams;
  hasPaginated: boolean;
  /** Runs another function in the same transaction; used by runUdf. */
  call(fn: DeployedFunction, kind: CalledKind, args: unknown, limits: Partial<UsageCounts>): FunctionResult;
}

/** Runs the function. The caller keeps or undoes what it wrote. */
export function runFunction(
  services: RunnerServices,
  request: FunctionRequest,
  fn: DeployedFunction,
  kind: "query" | "mutation",
  args: unknown,
  limits: Partial<UsageCounts> = {},
): FunctionResult {
  const usage = noUsage();
  const { logLines } = request;
  let result: FunctionResult;
  try {
    result = request.transaction.usage.attribute(usage, limits, () =>
      runInRealm(services, request, fn, kind, args),
    );
  } catch (error) {
    result = { status: "error", message: messageOf(error), logLines };
  }
  request.transaction.throwFault();
  if (request.plan.isFinal) services.countUsage(fn, usage, result.status === "error");
  return result;
}

function runInRealm(
  services: RunnerServices,
  request: FunctionRequest,
  fn: DeployedFunction,
  kind: "query" | "mutation",
  args: unknown,
): FunctionResult {
  const { transaction, logLines } = request;
  const tableNames = transaction.tableNames(fn.componentPath);
  const argsJson = hideCommitTs(encodedArguments(fn, args, tableNames), transaction);
  const frame: FunctionFrame = {
    request,
    services,
    fn,
    kind,
    streams: new QueryStreams(transaction),
    hasPaginated: false,
    call: (callee, calleeKind, calleeArgs, limits) => {
      if (request.depth > maxCallDepth) throw new Error(callTooDeep);
      if (calleeKind === "snapshotQuery") return runOnSnapshot(services, request, callee, calleeArgs, limits);
      const run = (): FunctionResult =>
        runFunction(services, request, callee, calleeKind, calleeArgs, limits);
      return calleeKind === "query"
        ? run()
        : transaction.nested(run, (result) => result.status === "success");
    },
  };
  const outer = request.userTime;
  const userTime = new UserTime(services.threadCpuMs);
  const { depth } = request;
  request.userTime = userTime;
  request.depth = depth + 1;
  const outcome = services.realms.run(
    fn.component.modules,
    {
      environment: kind,
      host: hostOf(frame, userTime),
      env: services.environmentOf(fn.componentPath),
      log: (level, text) => addLogLine(logLines, `[${level}] ${text}`),
      nowMs: request.nowMs,
      randomSeed: `${request.randomSeed}:${fn.name}`,
      timeLimitMs: request.plan.wallLimitMs,
    },
    {
      path: fn.modulePath,
      exportName: fn.exportName,
      method: kind === "query" ? "invokeQuery" : "invokeMutation",
      argsJson,
    },
    request.plan,
  );
  const running = request.userTime;
  request.userTime = outer;
  // Not counted down: what was ended from outside left nested calls without their end.
  request.depth = depth;
  switch (outcome.status) {
    case "returned":
      transaction.usage.checkAll();
      userTime.check();
      return {
        status: "success",
        valueJson: encodedResult(fn, resolveCommitTs(outcome.valueJson, transaction), tableNames),
        logLines,
      };
    case "threw": {
      const { message, dataJson } = outcome;
      return { status: "error", message, logLines, ...(dataJson === undefined ? {} : { dataJson }) };
    }
    case "neverSettles":
      return { status: "error", message: "Returned promise will never resolve", logLines };
    case "timedOut":
      if (isThreadEnding()) return { status: "error", message: outOfMemory(services.maxMemoryMb), logLines };
      // A busy machine or much work of the database: the function itself may have been quick.
      if (request.plan.isLongest) services.longerRuns.wasted(fn);
      else if (!running.isLargelyUsedUp && services.longerRuns.areAllowed(fn)) request.plan.tryLonger();
      return { status: "error", message: TIMED_OUT, logLines };
    default:
      return outcome satisfies never;
  }
}

function runOnSnapshot(
  services: RunnerServices,
  request: FunctionRequest,
  fn: DeployedFunction,
  args: unknown,
  limits: Partial<UsageCounts>,
): FunctionResult {
  return services.readDurable((transaction) => {
    const nested = { ...request, transaction, snapshotTs: transaction.snapshotTs };
    const result = runFunction(services, nested, fn, "query", args, limits);
    request.readIdentity ||= nested.readIdentity;
    return result;
  });
}

function hostOf(frame: FunctionFrame, userTime: UserTime): RealmHost {
  const { transaction } = frame.request;
  const answer = (work: () => string): string => userTime.outside(() => transaction.notingFaults(work));
  return {
    syscall: (op, argsJson) => answer(() => answerSyscall(frame, op, argsJson)),
    asyncSyscall: (op, argsJson) => answer(() => answerAsyncSyscall(frame, op, argsJson)),
    jsSyscall: (op) => {
      throw new Error(`${op} can only be used in actions.`);
    },
  };
}

const maxCallDepth = 8;
const callTooDeep = "Cross component call depth limit exceeded. Do you have an infinite loop in your app?";

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
