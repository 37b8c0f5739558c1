/** The log line of an error that went astray in a query or a mutation, read when its run is over. */
import type { RunnableModules } from "./runnableModule.ts";
import { runWithin } from "./timeGuard.ts";
import { describeThrown, readThrown, type ThrownError } from "./userError.ts";

/** The error may have getters that never return, and the thread stands still while they run. */
const readLimitMs = 100;

export function strayText(error: unknown, modules: RunnableModules): string {
  let thrown: ThrownError = { kind: "value", text: "error that took too long to be read" };
  runWithin(readLimitMs, () => {
    thrown = readThrown(error);
  });
  return `Unhandled: ${describeThrown(thrown, modules).message}`;
}
