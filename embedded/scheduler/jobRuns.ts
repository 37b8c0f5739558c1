/**
 * Runs the scheduled jobs that are due, at most eight side by side. A mutation runs exactly once: in the transaction that
 * marks it done. An action runs at most once: it is marked before it starts. What fails for a reason that is none of the
 * function's is tried again later, and holds up no other job meanwhile.
 */
import type { FunctionCall, FunctionResult } from "../protocol/calls.ts";
import type { FunctionKind } from "../protocol/deployedCode.ts";
import { RetryDelays } from "./retryDelays.ts";
import type { JobOutcome, ScheduledJob } from "./scheduledJobs.ts";
import { beginJob, dueJobs, finishJob, interruptedJobs, nextDueMs } from "./scheduledJobs.ts";
import { INTERRUPTED, MAX_SIDE_BY_SIDE, systemCall, writeOutcome } from "./scheduledRuns.ts";
import type { ScheduledRunParts } from "./scheduledRuns.ts";

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

  /** Runs, or begins, at most one. */
  runNext(nowMs: number): void {
    const { transactions, timers, onError } = this.#parts;
    if (this.#running >= MAX_SIDE_BY_SIDE) return;
    const due = transactions.read((transaction) => dueJobs(transaction, nowMs, this.#delays.size + 1));
    const job = due.find(({ id }) => !this.#delays.isWaiting(id, nowMs));
    if (!job) return;
    try {
      this.#run(job);
      this.#delays.succeeded(job.id);
    } catch (error) {
      this.#delays.failed(job.id, timers.nowMs());
      onError(error);
    }
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

  #run(job: ScheduledJob): void {
    const { transactions, timers, kindOf, onNotRun } = this.#parts;
    const call = callOf(job);
    const kind = kindOf(call);
    if (kind === "mutation") this.#runMutation(job, call);
    else if (kind === "action") this.#beginAction(job, call);
    else {
      const error = cannotRun(job.name, kind);
      transactions.write((transaction) =>
        finishJob(transaction, job, { kind: "failed", error }, timers.nowMs()),
      );
      onNotRun("mutation", call, error);
    }
  }

  #runMutation(job: ScheduledJob, call: FunctionCall): void {
    const { transactions, timers, runMutationIn, onMutationEnd } = this.#parts;
    const startedAtMs = timers.nowMs();
    const { result } = transactions.write((transaction) => {
      beginJob(transaction, job);
      const jobResult = runMutationIn(transaction, call, job.id);
      finishJob(transaction, job, outcomeOf(jobResult), timers.nowMs());
      return jobResult;
    });
    onMutationEnd(call, result, startedAtMs);
  }

  #beginAction(job: ScheduledJob, call: FunctionCall): void {
    this.#parts.transactions.write((transaction) => beginJob(transaction, job));
    this.#running++;
    void this.#runAction(job, call);
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
