/**
 * When something scheduled is looked for: at the time the next job or cron is due, and whenever something may have become
 * due. What is due is run by jobRuns.ts and cronRuns.ts.
 */
import type { Transaction } from "../transaction/transaction.ts";
import { CronRuns } from "./cronRuns.ts";
import { JobRuns } from "./jobRuns.ts";
import { removeFinishedJobs } from "./scheduledJobs.ts";
import type { ScheduledRunParts } from "./scheduledRuns.ts";

export interface SchedulerOptions extends ScheduledRunParts {
  /** Does the work when it is the scheduler's turn among those that run functions. */
  takeTurn: (work: () => void) => void;
  /** Removes other things from time to time, at most `limit` at once; returns how many. */
  sweep: (transaction: Transaction, nowMs: number, limit: number) => number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Convex keeps the outcome of a job for seven days. */
const KEEP_FINISHED_MS = 7 * DAY_MS;
const SWEEP_EVERY_MS = 60 * 60 * 1000;
/** The thread is not held up for longer by a day's worth of them. */
const SWEEP_BATCH = 500;
/** After a fault of the scheduler itself: the database could not even be read. */
const FAULT_WAIT_MS = 1000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #jobs: JobRuns;
  readonly #crons: CronRuns;
  #cancelTimer: (() => void) | null = null;
  #nextSweepMs = 0;
  #hasStarted = false;
  #isClosed = false;
  #isLooking = false;
  /** Its time has come, its turn has not. */
  #isInLine = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const wake = (): void => this.wake();
    this.#jobs = new JobRuns(options, wake);
    this.#crons = new CronRuns(options, wake);
  }

  /** Fails what a crash interrupted and begins to run what is due. */
  start(): void {
    this.#hasStarted = true;
    this.#jobs.failInterrupted();
    this.wake();
  }

  /** Looks for due work soon: something was scheduled, or code installed. */
  wake(): void {
    if (!this.#isLooking) this.#arm(0);
  }

  /** Nothing new is begun; what runs may end, and how it ended is still written until `close`. */
  stop(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
  }

  close(): void {
    this.stop();
    this.#jobs.close();
    this.#crons.close();
  }

  #arm(afterMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#isClosed || !this.#hasStarted || this.#isInLine) return;
    this.#cancelTimer = this.#options.timers.setTimer(() => {
      this.#isInLine = true;
      this.#options.takeTurn(() => {
        this.#isInLine = false;
        if (!this.#isClosed) this.#look();
      });
    }, afterMs);
  }

  /** One step: the crons that are due and a batch of jobs. More work is left to the next turn. */
  #look(): void {
    this.#isLooking = true;
    let waitMs = FAULT_WAIT_MS;
    try {
      const nowMs = this.#options.timers.nowMs();
      this.#crons.runDue(nowMs);
      this.#jobs.runDue(nowMs);
      this.#sweepIfDue(nowMs);
      waitMs = this.#msUntilNext();
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#isLooking = false;
    }
    this.#arm(waitMs);
  }

  #msUntilNext(): number {
    const nextMs = Math.min(
      this.#jobs.nextMs() ?? Infinity,
      this.#crons.nextMs() ?? Infinity,
      this.#nextSweepMs,
    );
    return Math.min(SWEEP_EVERY_MS, Math.max(0, nextMs - this.#options.timers.nowMs()));
  }

  #sweepIfDue(nowMs: number): void {
    if (nowMs < this.#nextSweepMs) return;
    const { transactions, sweep } = this.#options;
    const { result: hasMore } = transactions.write((transaction) => {
      const others = sweep(transaction, nowMs, SWEEP_BATCH);
      const jobs = removeFinishedJobs(transaction, nowMs - KEEP_FINISHED_MS, SWEEP_BATCH);
      return others === SWEEP_BATCH || jobs === SWEEP_BATCH;
    });
    this.#nextSweepMs = hasMore ? nowMs : nowMs + SWEEP_EVERY_MS;
  }
}
