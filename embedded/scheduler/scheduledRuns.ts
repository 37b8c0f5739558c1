/** What the runners of scheduled jobs and of crons share: how a function is called, and how an outcome gets written. */
import type { FunctionCall, FunctionResult } from "../protocol/calls.ts";
import type { FunctionKind } from "../protocol/deployedCode.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Transactions } from "../transaction/transactions.ts";
import { RetryDelays } from "./retryDelays.ts";

/** Timers, so that tests hold the clock. */
export interface Timers {
  nowMs: () => number;
  /** @returns the function that cancels it. */
  setTimer: (callback: () => void, afterMs: number) => () => void;
}

export interface ScheduledRunParts {
  timers: Timers;
  transactions: Transactions;
  /** null when the function is not there. */
  kindOf: (call: FunctionCall) => FunctionKind | null;
  /** Runs a mutation inside the given transaction, undoing its writes alone when it fails. */
  runMutationIn: (transaction: Transaction, call: FunctionCall, jobId: string | null) => FunctionResult;
  /** Called after the transaction of a mutation has ended, with its result. */
  onMutationEnd: (call: FunctionCall, result: FunctionResult, startedAtMs: number) => void;
  runAction: (call: FunctionCall, jobId: string | null) => Promise<FunctionResult>;
  /** For the function logs: a run that failed, or was left out, without the function having been called. */
  onNotRun: (kind: "mutation" | "action", call: FunctionCall, message: string) => void;
  onError: (error: unknown) => void;
}

/** As many actions as run side by side, of jobs and of crons apart. */
export const MAX_SIDE_BY_SIDE = 8;

/** Convex's word for an action that a crash interrupted: it may have had effects and is not run again. */
export const INTERRUPTED = "Transient error while executing action";

/** Identity is not handed to what is scheduled. */
export function systemCall(componentPath: string, name: string, argsJson: string): FunctionCall {
  return { componentPath, name, argsJson, caller: { kind: "system", attributes: null, token: null } };
}

/**
 * Writes the outcome of an action that has ended, as often as it takes: what cannot be written now must not be lost.
 * @param isClosed - Ends the attempts; what is still unwritten has then failed at the next start.
 */
export async function writeOutcome<Result>(
  { transactions, timers, onError }: Pick<ScheduledRunParts, "transactions" | "timers" | "onError">,
  work: (transaction: Transaction) => Result,
  isClosed: () => boolean,
): Promise<Result | null> {
  const delays = new RetryDelays();
  while (!isClosed()) {
    try {
      return transactions.write(work).result;
    } catch (error) {
      onError(error);
      const waitMs = delays.failed("outcome", timers.nowMs());
      await new Promise<void>((resolve) => {
        timers.setTimer(resolve, waitMs);
      });
    }
  }
  return null;
}
