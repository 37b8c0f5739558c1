/**
 * Tells from a run in a kept realm whether its code fits there: whether it wanted to change what is frozen, or set a global
 * that other code may look for by its bare name, where a kept realm has none.
 */
import type { StepOutcome } from "../protocol/realm.ts";
import type { RunGlobals } from "./prelude/runGlobal.ts";
import type { RunnableModules } from "./runnableModule.ts";

/** V8's sentences for it, and lockObject's. Code that meets its own frozen object says the same: who reads them tries again. */
const frozenError =
  /^Uncaught TypeError: (?:Cannot (?:assign to read only property|add property|define property|redefine property:|delete property) .*|.*not extensible|Immutable prototype object .*)/;
const missingName = /^Uncaught ReferenceError: (\S+) is not defined/;

export function frozenMisfit(
  outcome: StepOutcome,
  modules: RunnableModules,
  global: object,
  given: Readonly<Record<string, unknown>>,
  globals: RunGlobals,
): string | null {
  if (outcome.status === "timedOut") return null;
  const message = outcome.status === "threw" ? outcome.message : "";
  if (frozenError.test(message)) return firstLine(message);
  const names = Object.getOwnPropertyNames(global);
  const missing = missingName.exec(message)?.[1];
  if (missing !== undefined && names.includes(missing)) return firstLine(message);
  const replaced = names.find((name) => isReplaced(name, global, given, globals));
  if (replaced !== undefined) return `it replaces the global ${replaced}`;
  const named = names.find((name) => !isGiven(name, given) && isNamedBare(modules, name));
  return named === undefined ? null : `it sets the global ${named} and uses it by its bare name`;
}

/** The rerun in a realm of its own ended in the same error: freezing was not the reason. */
export function isSameError(misfit: string, outcome: StepOutcome): boolean {
  return outcome.status === "threw" && firstLine(outcome.message) === misfit;
}

/** Without the object, which V8 names in several ways. */
function firstLine(text: string): string {
  return text.split("\n", 1)[0]!.replace(/ of object .*$/, "");
}

function isGiven(name: string, given: Readonly<Record<string, unknown>>): boolean {
  return name in given || name === "globalThis" || name === "self";
}

function isReplaced(
  name: string,
  global: object,
  given: Readonly<Record<string, unknown>>,
  globals: RunGlobals,
): boolean {
  const value: unknown = Object.getOwnPropertyDescriptor(global, name)?.value;
  if (name in given) return value !== given[name];
  if (name === "globalThis" || name === "self") return value !== global;
  return globals.has(name);
}

const namedBare = new WeakMap<RunnableModules, Map<string, boolean>>();

/** Errs on the side of yes: a property key or a word in a text looks the same. */
function isNamedBare(modules: RunnableModules, name: string): boolean {
  if (!/^[\w$]+$/.test(name)) return false;
  const known = namedBare.get(modules) ?? new Map<string, boolean>();
  namedBare.set(modules, known);
  let answer = known.get(name);
  if (answer === undefined) {
    const bare = new RegExp(`(?<![.\\w$"'\`])${name.replaceAll("$", "\\$")}(?![\\w$"'\`])`);
    answer = Object.values(modules).some(({ script }) => bare.test(script));
    known.set(name, answer);
  }
  return answer;
}
