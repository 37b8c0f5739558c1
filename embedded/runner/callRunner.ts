/**
 * Calls from outside a transaction: finds the function, begins and ends the transaction, keeps usage and completions.
 * A query is synchronous; a mutation runs at once and is answered when its batch is durable. Long, because the kinds of calls
 * differ in when they end and share how they are found, run and recorded.
 */
import type { CommittedResult, FunctionCall, FunctionCompletion, FunctionResult } from "../protocol/calls.ts";
import { canonicalFunctionName } from "../protocol/deployedCode.ts";
import type { DeployedCode, FunctionKind } from "../protocol/deployedCode.ts";
import type { ActionRunner } from "../protocol/actions.ts";
import type { MutationRequest, QueryCall, QueryRun } from "../protocol/engine.ts";
import type { CodeStore } from "../store/codeStore.ts";
import type { MutationResults } from "../store/mutationResults.ts";
import { IndexReads } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Transactions, Written } from "../transaction/transactions.ts";
import type { CompletionLog } from "../usage/completionLog.ts";
import type { UsageLedger } from "../usage/usageLedger.ts";
import type { TableNameOf } from "../values/validation.ts";
import type { DeployedFunction } from "./deployedFunctions.ts";
import { findCallableFunction, findFunction, requireKind } from "./deployedFunctions.ts";
import type { FunctionRequest, RunnerServices } from "./functionRun.ts";
import { messageOf, runFunction } from "./functionRun.ts";
import { encodedArguments, encodedResult } from "./functionValues.ts";
import { identityOf, tokenOf } from "./identity.ts";
import { outOfMemory, type RunningCall } from "./runningCall.ts";
import { RunPlan } from "./runPlan.ts";
import { USER_TIME_LIMIT_MS } from "./userTime.ts";

export interface CallRunnerOptions {
  transactions: Transactions;
  services: RunnerServices;
  codeStore: CodeStore;
  mutationResults: MutationResults;
  ledger: UsageLedger;
  completions: CompletionLog;
  latestTs: () => bigint;
  nowMs: () => number;
  randomBytes: (count: number) => Uint8Array;
  runningCall: RunningCall | null;
  tableNames: (componentPath: string) => TableNameOf;
  runAction: ActionRunner;
}

interface MutationRun {
  /** What an earlier run of the same request came to; nothing has run then. */
  replayed: CommittedResult | null;
  result: FunctionResult;
}

interface Found {
  code: DeployedCode;
  fn: DeployedFunction;
}

export class CallRunner {
  readonly #options: CallRunnerOptions;
  /** By request id. */
  readonly #jobOfAction = new Map<string, string>();

  constructor(options: CallRunnerOptions) {
    this.#options = options;
  }

  /** @param code - Deployed or not. */
  query(call: QueryCall, code = this.#options.codeStore.current()): QueryRun {
    const { transactions, latestTs, nowMs } = this.#options;
    const startedAtMs = nowMs();
    const requestId = this.#newRequestId();
    const found = this.#find(call, "query", code);
    if ("message" in found) {
      const result = failed(found.message);
      this.#complete("query", call, result, startedAtMs, requestId);
      return { result, ts: latestTs(), reads: new IndexReads(), readIdentity: false, journal: null };
    }
    const plan = this.#newPlan();
    const run = plan.run(() =>
      transactions.read((transaction) => {
        const request = this.#request(found.code, transaction, call, {
          plan,
          requestId,
          jobId: null,
          journal: call.journal ?? null,
        });
        const result = this.#run(request, found.fn, "query", call);
        const { readIdentity, journal } = request;
        return { result, ts: transaction.snapshotTs, reads: transaction.reads, readIdentity, journal };
      }),
    );
    this.#complete("query", call, run.result, startedAtMs, requestId);
    return run;
  }

  /**
   * Runs at once; resolves when what it wrote is durable. Rejects when it could not be stored.
   * @param jobId - Of the scheduled action that calls it.
   */
  async mutation(
    call: FunctionCall,
    request?: MutationRequest,
    jobId: string | null = null,
  ): Promise<CommittedResult> {
    const { transactions, mutationResults, nowMs } = this.#options;
    const startedAtMs = nowMs();
    const requestId = this.#newRequestId();
    const plan = this.#newPlan();
    const attempt = (): Promise<Written<MutationRun>> =>
      transactions.submit<MutationRun>(
        (transaction) => {
          // In the batch, so that a replay finds its first run also while that is not durable yet.
          const replayed = request === undefined ? null : mutationResults.find(request);
          return {
            replayed,
            result: replayed?.result ?? this.#mutate(transaction, call, plan, requestId, jobId),
          };
        },
        {
          keep: ({ replayed, result }) => replayed === null && result.status === "success" && plan.isFinal,
          beforeCommit: ({ result }, commitTs) =>
            request && mutationResults.save(request, result, commitTs, nowMs()),
        },
      );
    try {
      // It has run when `submit` returns; an attempt that was undone has nothing to wait for.
      const { result: run, ts } = await plan.run(attempt, (undone) => void undone.catch(() => undefined));
      if (run.replayed !== null) return run.replayed;
      this.#complete("mutation", call, run.result, startedAtMs, requestId);
      return { result: run.result, ts };
    } catch (error) {
      this.#complete("mutation", call, failed(messageOf(error)), startedAtMs, requestId);
      throw error;
    }
  }

  /** For the scheduler: in its transaction, undone alone when it fails. */
  mutationIn(transaction: Transaction, call: FunctionCall, jobId: string | null): FunctionResult {
    const plan = this.#newPlan();
    return plan.run(() =>
      transaction.nested(
        () => this.#mutate(transaction, call, plan, this.#newRequestId(), jobId),
        ({ status }) => status === "success" && plan.isFinal,
      ),
    );
  }

  /** @param jobId - Of the scheduled job that this is, or belongs to. */
  async action(call: FunctionCall, jobId: string | null = null): Promise<FunctionResult> {
    const { nowMs, ledger } = this.#options;
    const startedAtMs = nowMs();
    const requestId = this.#newRequestId();
    if (jobId !== null) this.#jobOfAction.set(requestId, jobId);
    const found = this.#find(call, "action");
    const result = "message" in found ? failed(found.message) : await this.#act(found.fn, call, requestId);
    this.#jobOfAction.delete(requestId);
    if ("fn" in found)
      ledger.countRun(found.fn.componentPath, found.fn.name, null, result.status === "error");
    this.#complete("action", call, result, startedAtMs, requestId);
    return result;
  }

  /** The scheduled job to which the running action of this request belongs. */
  jobOfAction(requestId: string): string | null {
    return this.#jobOfAction.get(requestId) ?? null;
  }

  /** null when there is no such function, whoever calls. */
  kindOf(call: FunctionCall): FunctionKind | null {
    try {
      return findFunction(this.#options.codeStore.current(), call).definition.kind;
    } catch {
      // Not found is the answer here; whoever runs the call gets the sentence.
      return null;
    }
  }

  recordMutation(call: FunctionCall, result: FunctionResult, startedAtMs: number): void {
    this.#complete("mutation", call, result, startedAtMs, this.#newRequestId());
  }

  /** For the function logs: what the scheduler did not run, and why. */
  recordNotRun(kind: "mutation" | "action", call: FunctionCall, message: string): void {
    this.#complete(kind, call, failed(message), this.#options.nowMs(), this.#newRequestId());
  }

  #mutate(
    transaction: Transaction,
    call: FunctionCall,
    plan: RunPlan,
    requestId: string,
    jobId: string | null,
  ): FunctionResult {
    const found = this.#find(call, "mutation");
    if ("message" in found) return failed(found.message);
    const request = this.#request(found.code, transaction, call, {
      plan,
      requestId,
      jobId,
      journal: null,
    });
    return this.#run(request, found.fn, "mutation", call);
  }

  #run(
    request: FunctionRequest,
    fn: DeployedFunction,
    kind: "query" | "mutation",
    call: FunctionCall,
  ): FunctionResult {
    const { services, runningCall } = this.#options;
    const run = (): FunctionResult => runFunction(services, request, fn, kind, parseArgs(call));
    return runningCall === null ? run() : runningCall.during(call, run);
  }

  async #act(fn: DeployedFunction, call: FunctionCall, requestId: string): Promise<FunctionResult> {
    const { runAction, tableNames } = this.#options;
    try {
      encodedArguments(fn, parseArgs(call), tableNames(fn.componentPath));
    } catch (error) {
      return failed(messageOf(error));
    }
    const result = await runAction({ ...call, componentPath: fn.componentPath, name: fn.name }, requestId);
    if (result.status === "error") return result;
    try {
      return { ...result, valueJson: encodedResult(fn, result.valueJson, tableNames(fn.componentPath)) };
    } catch (error) {
      return { status: "error", message: messageOf(error), logLines: result.logLines };
    }
  }

  #find(
    call: FunctionCall,
    kind: FunctionKind,
    code = this.#options.codeStore.current(),
  ): Found | { message: string } {
    try {
      const fn = findCallableFunction(code, call, call.caller);
      requireKind(fn, kind);
      if (this.#options.runningCall?.isFatal(call))
        throw new Error(outOfMemory(this.#options.services.maxMemoryMb));
      if (!code) throw new Error("No code has been pushed");
      return { code, fn };
    } catch (error) {
      return { message: messageOf(error) };
    }
  }

  #request(
    code: DeployedCode,
    transaction: Transaction,
    call: FunctionCall,
    {
      plan,
      requestId,
      jobId,
      journal,
    }: { plan: RunPlan; requestId: string; jobId: string | null; journal: string | null },
  ): FunctionRequest {
    return {
      code,
      transaction,
      plan,
      depth: 0,
      userTime: null,
      identity: identityOf(call.caller),
      authToken: tokenOf(call.caller),
      requestId,
      nowMs: this.#options.nowMs(),
      randomSeed: Buffer.from(this.#options.randomBytes(16)).toString("hex"),
      snapshotTs: transaction.snapshotTs,
      scheduledJobId: jobId,
      logLines: [],
      readIdentity: false,
      journal,
    };
  }

  #complete(
    kind: FunctionCompletion["kind"],
    call: FunctionCall,
    result: FunctionResult,
    startedAtMs: number,
    requestId: string,
  ): void {
    this.#options.completions.add({
      kind,
      componentPath: call.componentPath,
      name: canonicalFunctionName(call.name),
      startedAtMs,
      executionMs: this.#options.nowMs() - startedAtMs,
      cachedResult: false,
      error: result.status === "error" ? result.message : null,
      logLines: result.logLines,
      requestId,
    });
  }

  #newPlan(): RunPlan {
    return new RunPlan(USER_TIME_LIMIT_MS, this.#options.services.wallLimitMs);
  }

  #newRequestId(): string {
    return Buffer.from(this.#options.randomBytes(8)).toString("hex");
  }
}

function failed(message: string): FunctionResult {
  return { status: "error", message, logLines: [] };
}

function parseArgs({ argsJson }: FunctionCall): unknown {
  return JSON.parse(argsJson) as unknown;
}
