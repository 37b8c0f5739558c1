/** One call of a query or a mutation in a realm that works in steps: what is called, and how the step ended. */
import type { StepOutcome } from "../protocol/realm.ts";
import { forgottenRejection } from "./forgottenRejections.ts";
import { wellFormed } from "./hostPort.ts";
import type { ModuleLoader } from "./moduleLoader.ts";
import type { CallOutcome, RealmHandle } from "./prelude/hostBoundary.ts";
import { readThrown, type ThrownError, type UserError } from "./userError.ts";

export interface FunctionStep {
  path: string;
  exportName: string;
  method: string;
  argsJson: string;
}

export interface StepGround {
  /** Runs the body and the promise jobs it leaves; false when the time was up. */
  enter: (body: () => void) => boolean;
  describeThrown: (thrown: ThrownError) => UserError;
  limitMs: number;
}

type StepEnd = { ok: true; value: string } | { ok: false; thrown: ThrownError };

export function runStep(
  loader: ModuleLoader,
  handle: RealmHandle,
  { path, exportName, method, argsJson }: FunctionStep,
  { enter, describeThrown, limitMs }: StepGround,
): StepOutcome {
  let ended: StepEnd | null = null;
  let isDone = false;
  // Within the step: what user code returned or threw may have getters, and they are user code as well.
  const forgotten = forgottenRejection(() => {
    isDone = enter(() => {
      try {
        const exports = loader.import(path);
        handle.callFunction(exports, exportName, method, [argsJson], (outcome) => {
          ended = endOf(outcome);
        });
      } catch (error) {
        ended = { ok: false, thrown: readThrown(error) };
      }
    });
  });
  if (isDone && forgotten !== null && !isFailed(ended)) {
    // A promise that nobody handles fails the whole function, as on Convex.
    isDone = enter(() => {
      ended = { ok: false, thrown: readThrown(forgotten.reason) };
    });
  }
  return isDone ? outcomeOf(ended, describeThrown) : { status: "timedOut", limitMs };
}

function isFailed(ended: StepEnd | null): boolean {
  return ended?.ok === false;
}

function endOf(outcome: CallOutcome): StepEnd {
  try {
    if (outcome.ok) return { ok: true, value: wellFormed(String(outcome.value)) };
    return { ok: false, thrown: readThrown(outcome.error) };
  } catch (error) {
    return { ok: false, thrown: readThrown(error) };
  }
}

function outcomeOf(ended: StepEnd | null, describeThrown: StepGround["describeThrown"]): StepOutcome {
  if (ended === null) return { status: "neverSettles" };
  if (ended.ok) return { status: "returned", valueJson: ended.value };
  return { status: "threw", ...describeThrown(ended.thrown) };
}
