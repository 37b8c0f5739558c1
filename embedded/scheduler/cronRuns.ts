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

  runDue(nowMs: number): void {
    const { transactions, timers, onError } = this.#parts;
    const due = transactions.read((transaction) => dueCrons(transaction, nowMs));
    for (const cron of due.filter((one) => this.#mayRun(one, nowMs))) {
      if (this.#running.size >= MAX_SIDE_BY_SIDE) return;
      try {
        this.#run(cron);
        this.#delays.succeeded(cronKey(cron));
      } catch (error) {
        this.#delays.failed(cronKey(cron), timers.nowMs());
        onError(error);
      }
    }
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

  #run(cron: Cron): void {
    const { transactions, timers, kindOf, onNotRun } = this.#parts;
    const { name, args } = cron.definition;
    const call = systemCall(cron.component, name, JSON.stringify(args[0] ?? {}));
    const kind = kindOf(call);
    if (kind === "mutation") this.#runMutation(cron, call);
    else if (kind === "action" && !cron.hasBegun) this.#beginAction(cron, call);
    else {
      // A push refuses a cron without its function, so what is left is an action that a crash interrupted.
      const ended = transactions.write((transaction) => endCron(transaction, cron, timers.nowMs()));
      onNotRun("action", call, INTERRUPTED);
      this.#logSkipped("action", cron, call, ended.result);
    }
  }

  #runMutation(cron: Cron, call: FunctionCall): void {
    const { transactions, timers, runMutationIn, onMutationEnd } = this.#parts;
    const startedAtMs = timers.nowMs();
    const { result } = transactions.write((transaction) => {
      const outcome = runMutationIn(transaction, call, null);
      return { outcome, skipped: endCron(transaction, cron, timers.nowMs()) };
    });
    onMutationEnd(call, result.outcome, startedAtMs);
    this.#logSkipped("mutation", cron, call, result.skipped);
  }

  #beginAction(cron: Cron, call: FunctionCall): void {
    this.#parts.transactions.write((transaction) => beginCron(transaction, cron));
    this.#running.add(cronKey(cron));
    void this.#runAction(cron, call);
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
