/**
 * Runs the crons that are due: each one run at a time, never behind scheduled jobs. A run that is late, because the
 * process was down or the run before it still went on, is made once; what else was missed is left out and logged.
 */
import type { FunctionCall } from "../protocol/calls.ts";
import type { Cron } from "./cronTable.ts";
import { beginCron, cronKey, dueCrons, endCron, readCrons } from "./cronTable.ts";
import { RetryDelays } from "./retryDelays.ts";
import { INTERRUPTED, MAX_SIDE_BY_SIDE, systemCall, writeOutcome } from "./scheduledRuns.ts";
import type { ScheduledRunParts } from "./scheduledRuns.ts";
import type { Transaction } from "../transaction/transaction.ts";

export class CronRuns {
  readonly #parts: ScheduledRunParts;
  readonly #onActionEnd: () => void;
  readonly #running = new Set<string>();
  readonly #delays = new RetryDelays();
  #isClosed = false;

  /** @param onActionEnd - A cron that waited for this may be due. */
  constructor(parts: ScheduledRunParts, onActionEnd: () => void) {
    this.#parts = parts;
    this.#onActionEnd = onActionEnd;
  }

  /** In one commit, but for those that failed when they were tried last. */
  runDue(nowMs: number): void {
    const { transactions } = this.#parts;
    const due = transactions.read((transaction) => dueCrons(transaction, nowMs));
    for (const cron of due.filter((one) => this.#mayRun(one, nowMs))) {
      if (this.#running.size >= MAX_SIDE_BY_SIDE) break;
      const isApart = this.#delays.hasFailed(cronKey(cron));
      if (isApart) transactions.flush();
      void this.#run(cron);
      if (isApart) transactions.flush();
    }
    transactions.flush();
  }

  /** When there is something to do again, as far as that is known now. */
  nextMs(): number | null {
    if (this.#running.size >= MAX_SIDE_BY_SIDE) return null;
    const nowMs = this.#parts.timers.nowMs();
    const crons = this.#parts.transactions.read(readCrons);
    const next = crons.find((cron) => this.#mayRun(cron, nowMs));
    return Math.min(next?.nextMs ?? Infinity, this.#delays.nextMs(nowMs) ?? Infinity);
  }

  close(): void {
    this.#isClosed = true;
  }

  #mayRun(cron: Cron, nowMs: number): boolean {
    return !this.#running.has(cronKey(cron)) && !this.#delays.isWaiting(cronKey(cron), nowMs);
  }

  /** Never rejects. */
  async #run(cron: Cron): Promise<void> {
    const { transactions, timers, kindOf, onError } = this.#parts;
    const key = cronKey(cron);
    const { name, args } = cron.definition;
    const call = systemCall(cron.component, name, JSON.stringify(args[0] ?? {}));
    const startsAction = kindOf(call) === "action" && !cron.hasBegun;
    if (startsAction) this.#running.add(key);
    let whenStored: () => void;
    try {
      const stored = await transactions.submit((transaction) =>
        startsAction ? this.#beginIn(transaction, cron, call) : this.#runIn(transaction, cron, call),
      );
      whenStored = stored.result;
    } catch (error) {
      this.#delays.failed(key, timers.nowMs());
      onError(error);
      if (this.#running.delete(key)) this.#onActionEnd();
      return;
    }
    this.#delays.succeeded(key);
    whenStored();
  }

  /** Returns what is left to do when this is durable. */
  #beginIn(transaction: Transaction, cron: Cron, call: FunctionCall): () => void {
    beginCron(transaction, cron);
    return () => void this.#runAction(cron, call);
  }

  #runIn(transaction: Transaction, cron: Cron, call: FunctionCall): () => void {
    const { timers, kindOf, runMutationIn, onMutationEnd, onNotRun } = this.#parts;
    const startedAtMs = timers.nowMs();
    const isMutation = kindOf(call) === "mutation";
    const outcome = isMutation ? runMutationIn(transaction, call, null) : null;
    const skipped = endCron(transaction, cron, timers.nowMs());
    return () => {
      // A push refuses a cron without its function, so what is left is an action that a crash interrupted.
      if (outcome === null) onNotRun("action", call, INTERRUPTED);
      else onMutationEnd(call, outcome, startedAtMs);
      this.#logSkipped(isMutation ? "mutation" : "action", cron, call, skipped);
    };
  }

  /** Never rejects. */
  async #runAction(cron: Cron, call: FunctionCall): Promise<void> {
    const { timers, runAction, onError } = this.#parts;
    try {
      await runAction(call, null);
    } catch (error) {
      onError(error);
    }
    const skipped = await writeOutcome(
      this.#parts,
      (transaction) => endCron(transaction, cron, timers.nowMs()),
      () => this.#isClosed,
    );
    this.#running.delete(cronKey(cron));
    this.#logSkipped("action", cron, call, skipped ?? 0);
    this.#onActionEnd();
  }

  #logSkipped(kind: "mutation" | "action", cron: Cron, call: FunctionCall, skipped: number): void {
    if (skipped === 0) return;
    const message = `Skipping ${skipped} run(s) of job ${cron.name} because multiple scheduled runs are in the past`;
    this.#parts.onNotRun(kind, call, message);
  }
}
