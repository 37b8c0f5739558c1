/**
 * Runs the scheduled jobs that are due, at most eight side by side. A mutation runs exactly once: in the transaction that
 * marks it done, which is committed together with those of other jobs that are due. An action runs at most once: it is marked before it starts. What fails for a reason that is none of the
 * function's is tried again later, and holds up no other job meanwhile.
 */
import type { FunctionCall, FunctionResult } from "../protocol/calls.ts";
import type { FunctionKind } from "../protocol/deployedCode.ts";
import { RetryDelays } from "./retryDelays.ts";
import type { JobOutcome, ScheduledJob } from "./scheduledJobs.ts";
import { beginJob, dueJobs, finishJob, interruptedJobs, nextDueMs } from "./scheduledJobs.ts";
import { INTERRUPTED, MAX_SIDE_BY_SIDE, systemCall, writeOutcome } from "./scheduledRuns.ts";
import type { ScheduledRunParts } from "./scheduledRuns.ts";
import type { Transaction } from "../transaction/transaction.ts";

/** A job in a batch that is still to be committed. */
interface BegunJob {
  isAction: boolean;
  whenStored: () => void;
}

export class JobRuns {
  readonly #parts: ScheduledRunParts;
  readonly #onActionEnd: () => void;
  readonly #delays = new RetryDelays();
  #running = 0;
  #isClosed = false;

  /** @param onActionEnd - A job that waited for a place may run. */
  constructor(parts: ScheduledRunParts, onActionEnd: () => void) {
    this.#parts = parts;
    this.#onActionEnd = onActionEnd;
  }

  /** Actions that ran when the process died have failed. */
  failInterrupted(): void {
    const { transactions, timers, onNotRun } = this.#parts;
    const { result: jobs } = transactions.write((transaction) => {
      const interrupted = interruptedJobs(transaction);
      for (const job of interrupted)
        finishJob(transaction, job, { kind: "failed", error: INTERRUPTED }, timers.nowMs());
      return interrupted;
    });
    for (const job of jobs) onNotRun("action", callOf(job), INTERRUPTED);
  }

  /**
   * Runs, or begins, those that are due, the longest due first: as many as fit into one commit. What has failed before is in
   * a commit of its own, for it may be what made the others of its commit fail.
   */
  runDue(nowMs: number): void {
    const { transactions } = this.#parts;
    const thrown = new Set<string>();
    for (let isFirst = true; this.#running < MAX_SIDE_BY_SIDE; isFirst = false) {
      const job = this.#beginNext(nowMs, thrown, isFirst);
      if (job === null || this.#delays.hasFailed(job.id) || !transactions.isBatchOpen) break;
    }
    transactions.flush();
  }

  /** When there is something to do again, as far as that is known now. */
  nextMs(): number | null {
    if (this.#running >= MAX_SIDE_BY_SIDE) return null;
    const { transactions, timers } = this.#parts;
    const nowMs = timers.nowMs();
    return transactions.read((transaction) => {
      const due = dueJobs(transaction, nowMs, this.#delays.size + 1);
      if (due.some(({ id }) => !this.#delays.isWaiting(id, nowMs))) return nowMs;
      return Math.min(this.#delays.nextMs(nowMs) ?? Infinity, nextDueMs(transaction, nowMs) ?? Infinity);
    });
  }

  close(): void {
    this.#isClosed = true;
  }

  /** @returns null when none was due that may be in this commit. */
  #beginNext(nowMs: number, thrown: Set<string>, isFirst: boolean): ScheduledJob | null {
    const next: { job?: ScheduledJob | undefined; begun?: BegunJob } = {};
    const stored = this.#parts.transactions.submit((transaction) => {
      const due = dueJobs(transaction, nowMs, this.#delays.size + thrown.size + 1);
      const job = due.find(({ id }) => !this.#delays.isWaiting(id, nowMs) && !thrown.has(id));
      if (isFirst || (job && !this.#delays.hasFailed(job.id))) next.job = job;
      if (next.job) next.begun = this.#beginIn(transaction, next.job);
    });
    const { job, begun } = next;
    if (begun?.isAction) this.#running++;
    if (job !== undefined && begun === undefined) thrown.add(job.id);
    void this.#carryOn(stored, job, begun);
    return job ?? null;
  }

  /** Never rejects. */
  async #carryOn(
    stored: Promise<unknown>,
    job: ScheduledJob | undefined,
    begun: BegunJob | undefined,
  ): Promise<void> {
    try {
      await stored;
    } catch (error) {
      if (job === undefined) return; // nothing of it is lost, and others of its commit are told themselves
      this.#delays.failed(job.id, this.#parts.timers.nowMs());
      this.#parts.onError(error);
      if (begun?.isAction) this.#leavePlace();
      return;
    }
    if (job !== undefined) this.#delays.succeeded(job.id);
    begun?.whenStored();
  }

  #beginIn(transaction: Transaction, job: ScheduledJob): BegunJob {
    const { timers, kindOf, runMutationIn, onMutationEnd, onNotRun } = this.#parts;
    const call = callOf(job);
    const kind = kindOf(call);
    if (kind === "action") {
      beginJob(transaction, job);
      return { isAction: true, whenStored: () => void this.#runAction(job, call) };
    }
    if (kind !== "mutation") {
      const error = cannotRun(job.name, kind);
      finishJob(transaction, job, { kind: "failed", error }, timers.nowMs());
      return { isAction: false, whenStored: () => onNotRun("mutation", call, error) };
    }
    const startedAtMs = timers.nowMs();
    beginJob(transaction, job);
    const result = runMutationIn(transaction, call, job.id);
    finishJob(transaction, job, outcomeOf(result), timers.nowMs());
    return { isAction: false, whenStored: () => onMutationEnd(call, result, startedAtMs) };
  }

  /** Never rejects. */
  async #runAction(job: ScheduledJob, call: FunctionCall): Promise<void> {
    const { timers, runAction, onError } = this.#parts;
    let outcome: JobOutcome;
    try {
      outcome = outcomeOf(await runAction(call, job.id));
    } catch (error) {
      onError(error);
      outcome = { kind: "failed", error: INTERRUPTED };
    }
    await writeOutcome(
      this.#parts,
      (transaction) => finishJob(transaction, job, outcome, timers.nowMs()),
      () => this.#isClosed,
    );
    this.#leavePlace();
  }

  #leavePlace(): void {
    this.#running--;
    this.#onActionEnd();
  }
}

function callOf({ targetComponent, name, argsJson }: ScheduledJob): FunctionCall {
  return systemCall(targetComponent, name, argsJson);
}

function outcomeOf(result: FunctionResult): JobOutcome {
  return result.status === "success" ? { kind: "success" } : { kind: "failed", error: result.message };
}

function cannotRun(name: string, kind: FunctionKind | null): string {
  const [modulePath = "", exportName = ""] = name.split(":");
  if (kind === null) return `Couldn't find ${JSON.stringify(exportName)} in module "${modulePath}".`;
  return (
    `Unsupported function type. ${JSON.stringify(exportName)} in module "${modulePath}" is defined as a Query. ` +
    "Only Mutation and Action can be scheduled."
  );
}
