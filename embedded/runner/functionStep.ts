/** One call of a query or a mutation in a realm that works in steps: what is called, and how the step ended. */
import type { StepOutcome } from "../protocol/realm.ts";
import { forgottenRejection } from "./forgottenRejections.ts";
import { wellFormed } from "./hostPort.ts";
import type { ModuleLoader } from "./moduleLoader.ts";
import type { CallOutcome, RealmHandle } from "./prelude/hostBoundary.ts";
import type { UserError } from "./userError.ts";

export interface FunctionStep {
  path: string;
  exportName: string;
  method: string;
  argsJson: string;
}

export interface StepGround {
  /** Runs the body and the promise jobs it leaves; false when the time was up. */
  enter: (body: () => void) => boolean;
  describeError: (error: unknown) => UserError;
  limitMs: number;
}

export function runStep(
  loader: ModuleLoader,
  handle: RealmHandle,
  { path, exportName, method, argsJson }: FunctionStep,
  { enter, describeError, limitMs }: StepGround,
): StepOutcome {
  let settled: CallOutcome | null = null;
  let isDone = false;
  try {
    const forgotten = forgottenRejection(() => {
      isDone = enter(() => {
        const exports = loader.import(path);
        handle.callFunction(exports, exportName, method, [argsJson], (outcome) => {
          settled = outcome;
        });
      });
    });
    return isDone ? outcomeOf(settled, forgotten) : { status: "timedOut", limitMs };
  } catch (error) {
    return { status: "threw", ...describeError(error) };
  }
}

/** A promise that nobody handles fails the whole function, as on Convex. */
function outcomeOf(settled: CallOutcome | null, forgotten: { reason: unknown } | null): StepOutcome {
  if (settled?.ok === false) throw settled.error;
  if (forgotten) throw forgotten.reason;
  if (settled === null) return { status: "neverSettles" };
  return { status: "returned", valueJson: wellFormed(String(settled.value)) };
}
