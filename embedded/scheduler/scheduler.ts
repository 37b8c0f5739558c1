/**
 * Runs what is due: scheduled jobs, at most eight side by side, and crons, each one run at a time and never behind
 * scheduled jobs. Scheduled mutations run exactly once: in the transaction that marks them done. Actions run at most
 * once: they are marked before they start.
 */
import type { FunctionCall, FunctionResult } from "../protocol/calls.ts";
import type { FunctionKind } from "../protocol/deployedCode.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Transactions } from "../transaction/transactions.ts";
import type { Cron } from "./cronTable.ts";
import { advanceCron, cronKey, readCrons } from "./cronTable.ts";
import type { JobOutcome, ScheduledJob } from "./scheduledJobs.ts";
import {
  beginJob,
  dueJobs,
  failInterruptedJobs,
  finishJob,
  nextDueMs,
  removeFinishedJobs,
} from "./scheduledJobs.ts";

/** Timers, so that tests hold the clock. */
export interface Timers {
  nowMs: () => number;
  /** @returns the function that cancels it. */
  setTimer: (callback: () => void, afterMs: number) => () => void;
}

export interface SchedulerOptions {
  timers: Timers;
  transactions: Transactions;
  /** null when the function is not there. */
  kindOf: (call: FunctionCall) => FunctionKind | null;
  /** Runs a mutation inside the given transaction, undoing its writes alone when it fails. */
  runMutationIn: (transaction: Transaction, call: FunctionCall, jobId: string | null) => FunctionResult;
  /** Called after the transaction of a mutation has ended, with its result. */
  onMutationEnd: (call: FunctionCall, result: FunctionResult, startedAtMs: number) => void;
  runAction: (call: FunctionCall) => Promise<FunctionResult>;
  /** Other things to remove from time to time. */
  sweep: (transaction: Transaction, nowMs: number) => void;
  onError: (error: unknown) => void;
}

const MAX_SIDE_BY_SIDE = 8;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Convex keeps the outcome of a job for seven days. */
const KEEP_FINISHED_MS = 7 * DAY_MS;
const SWEEP_EVERY_MS = 60 * 60 * 1000;
const SWEEP_BATCH = 500;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #runningCrons = new Set<string>();
  #runningJobs = 0;
  #cancelTimer: (() => void) | null = null;
  #nextSweepMs = 0;
  #isClosed = false;
  #isLooking = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Fails what a crash interrupted and begins to run what is due. */
  start(): void {
    const { transactions, timers } = this.#options;
    transactions.write((transaction) => failInterruptedJobs(transaction, timers.nowMs()));
    this.wake();
  }

  /** Looks for due work soon: something was scheduled, or code installed. */
  wake(): void {
    if (!this.#isLooking) this.#arm(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
  }

  #arm(afterMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#isClosed) return;
    this.#cancelTimer = this.#options.timers.setTimer(() => this.#look(), afterMs);
  }

  /** One step: at most one job and the crons that are due. More work is left to the next turn of the event loop. */
  #look(): void {
    this.#isLooking = true;
    let waitMs = SWEEP_EVERY_MS;
    try {
      const nowMs = this.#options.timers.nowMs();
      this.#runDueCrons(nowMs);
      this.#runDueJob(nowMs);
      this.#sweepIfDue(nowMs);
      waitMs = this.#msUntilNext();
    } catch (error) {
      this.#options.onError(error);
      waitMs = 1000;
    } finally {
      this.#isLooking = false;
    }
    this.#arm(waitMs);
  }

  #msUntilNext(): number {
    const nowMs = this.#options.timers.nowMs();
    return this.#options.transactions.read((transaction) => {
      const jobMs = this.#runningJobs < MAX_SIDE_BY_SIDE ? nextDueMs(transaction) : null;
      const cronMs = readCrons(transaction)[0]?.nextMs ?? null;
      const nextMs = Math.min(jobMs ?? Infinity, cronMs ?? Infinity, this.#nextSweepMs);
      return Math.min(SWEEP_EVERY_MS, Math.max(0, nextMs - nowMs));
    });
  }

  #runDueJob(nowMs: number): void {
    const { transactions, kindOf } = this.#options;
    if (this.#runningJobs >= MAX_SIDE_BY_SIDE) return;
    const [job] = transactions.read((transaction) => dueJobs(transaction, nowMs, 1));
    if (!job) return;
    const call = callOf(job.targetComponent, job.name, job.argsJson);
    const kind = kindOf(call);
    if (kind === "action") {
      transactions.write((transaction) => beginJob(transaction, job));
      void this.#runJobAction(job, call);
    } else if (kind === "mutation") this.#runJobMutation(job, call);
    else {
      const error = `Could not find a mutation or action '${job.name}' to run. Was it removed after this was scheduled?`;
      transactions.write((transaction) => {
        beginJob(transaction, job);
        finishJob(transaction, job, { kind: "failed", error }, nowMs);
      });
    }
  }

  #runJobMutation(job: ScheduledJob, call: FunctionCall): void {
    const { transactions, timers, runMutationIn, onMutationEnd } = this.#options;
    const startedAtMs = timers.nowMs();
    const { result } = transactions.write((transaction) => {
      beginJob(transaction, job);
      const jobResult = runMutationIn(transaction, call, job.id);
      finishJob(transaction, job, outcomeOf(jobResult), timers.nowMs());
      return jobResult;
    });
    onMutationEnd(call, result, startedAtMs);
  }

  /** Never rejects. */
  async #runJobAction(job: ScheduledJob, call: FunctionCall): Promise<void> {
    const { transactions, timers, runAction, onError } = this.#options;
    this.#runningJobs++;
    try {
      const result = await runAction(call);
      if (this.#isClosed) return;
      transactions.write((transaction) => finishJob(transaction, job, outcomeOf(result), timers.nowMs()));
    } catch (error) {
      onError(error);
    } finally {
      this.#runningJobs--;
      this.wake();
    }
  }

  #runDueCrons(nowMs: number): void {
    const { transactions } = this.#options;
    const due = transactions.read((transaction) =>
      readCrons(transaction).filter((cron) => cron.nextMs <= nowMs),
    );
    for (const cron of due) {
      if (this.#runningCrons.has(cronKey(cron))) {
        transactions.write((transaction) => advanceCron(transaction, cron, nowMs));
      } else this.#runCron(cron, nowMs);
    }
  }

  #runCron(cron: Cron, nowMs: number): void {
    const { transactions, kindOf, runMutationIn, onMutationEnd } = this.#options;
    const call = callOf(cron.component, cron.definition.name, JSON.stringify(cron.definition.args[0] ?? {}));
    if (kindOf(call) === "mutation") {
      const { result } = transactions.write((transaction) => {
        advanceCron(transaction, cron, nowMs);
        return runMutationIn(transaction, call, null);
      });
      onMutationEnd(call, result, nowMs);
      return;
    }
    transactions.write((transaction) => advanceCron(transaction, cron, nowMs));
    void this.#runCronAction(cron, call);
  }

  async #runCronAction(cron: Cron, call: FunctionCall): Promise<void> {
    this.#runningCrons.add(cronKey(cron));
    try {
      await this.#options.runAction(call);
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#runningCrons.delete(cronKey(cron));
    }
  }

  #sweepIfDue(nowMs: number): void {
    if (nowMs < this.#nextSweepMs) return;
    const { transactions, sweep } = this.#options;
    const { result: removed } = transactions.write((transaction) => {
      sweep(transaction, nowMs);
      return removeFinishedJobs(transaction, nowMs - KEEP_FINISHED_MS, SWEEP_BATCH);
    });
    this.#nextSweepMs = removed === SWEEP_BATCH ? nowMs : nowMs + SWEEP_EVERY_MS;
  }
}

/** Identity is not handed to what is scheduled. */
function callOf(componentPath: string, name: string, argsJson: string): FunctionCall {
  return { componentPath, name, argsJson, caller: { kind: "system", attributes: null, token: null } };
}

function outcomeOf(result: FunctionResult): JobOutcome {
  return result.status === "success" ? { kind: "success" } : { kind: "failed", error: result.message };
}
