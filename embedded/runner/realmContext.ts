/**
 * A vm context with Convex's globals in it: the ground a realm stands on. Knows nothing of runs.
 *
 * A context that works in steps drains the promise jobs of each step before the step ends; an action's lives in the event
 * loop of its thread.
 */
import vm from "node:vm";
import { hostConstructors, platformGlobals } from "./platformGlobals.ts";
import { installDeterminism, type DeterministicInputs } from "./prelude/determinism.ts";
import { installClock } from "./prelude/clock.ts";
import { findBuiltIns } from "./prelude/findBuiltIns.ts";
import { freezeRealm, type FrozenRealm } from "./prelude/frozenRealm.ts";
import { installHostBoundary, type RealmHandle } from "./prelude/hostBoundary.ts";
import { lockObject } from "./prelude/lockObject.ts";
import { showGlobals, type RunGlobals } from "./prelude/runGlobal.ts";
import { watchGlobals } from "./prelude/watchedGlobals.ts";
import { lockPlatform } from "./lockedPlatform.ts";

function preludeScript(install: (...args: never[]) => unknown, name: string): vm.Script {
  return new vm.Script(`(${install.toString()})`, { filename: `embedded:${name}` });
}

const boundaryScript = preludeScript(installHostBoundary, "hostBoundary");
const clockScript = preludeScript(installClock, "clock");
const determinismScript = preludeScript(installDeterminism, "determinism");
const lockScript = preludeScript(lockObject, "lockObject");
const freezeScript = preludeScript(freezeRealm, "frozenRealm");
const findScript = preludeScript(findBuiltIns, "findBuiltIns");
const globalsScript = preludeScript(showGlobals, "runGlobal");
const watchScript = preludeScript(watchGlobals, "watchedGlobals");
// Only what a script evaluates is followed by its promise jobs: a step is called from here.
const enterKey = Symbol.for("embedded.enter");
const enterScript = new vm.Script(`globalThis[Symbol.for("embedded.enter")]()`, {
  filename: "embedded:enter",
});

/** What the host keeps of a context in which all that is built in is unchangeable. */
export interface KeptGround extends FrozenRealm, RunGlobals {
  /** Makes an object unchangeable, and what it leads to. */
  lockFrom(root: object): void;
}

export class RealmContext {
  readonly handle: RealmHandle;
  readonly #context: vm.Context;
  #entered: (() => void) | null = null;

  /** `inputs` makes it one that works in steps, `live` one of an action. */
  constructor(
    ground:
      | { inputs: DeterministicInputs }
      | { live: Readonly<Record<string, unknown>>; nowMs: () => number },
  ) {
    const inputs = "inputs" in ground ? ground.inputs : null;
    const live = "live" in ground ? ground.live : {};
    this.#context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
      // As on Convex: `eval` and `new Function` are refused.
      codeGeneration: { strings: false },
      ...(inputs ? { microtaskMode: "afterEvaluate" } : {}),
    });
    Object.defineProperty(this.#context, enterKey, { value: Object.freeze(() => this.#entered?.()) });
    const install = boundaryScript.runInContext(this.#context) as typeof installHostBoundary;
    this.handle = install({ platform: { ...platformGlobals, ...live }, hostConstructors });
    const setClock = clockScript.runInContext(this.#context) as typeof installClock;
    setClock("inputs" in ground ? () => ground.inputs.nowMs : ground.nowMs);
    if (inputs) {
      const fix = determinismScript.runInContext(this.#context) as typeof installDeterminism;
      fix(inputs);
    }
  }

  /** Makes all that is built in unchangeable. `onUse` hears of the use of a watched global. */
  freeze(watched: readonly string[], onUse: (name: string) => void): KeptGround {
    lockPlatform();
    (this.evaluate(watchScript) as typeof watchGlobals)(watched, onUse);
    const globals = (this.evaluate(globalsScript) as typeof showGlobals)();
    const ofHost = new Set(Object.values(platformGlobals));
    // The language of the host itself, to which any function of the host leads, stays as it is.
    const isOfHost = (value: object): boolean =>
      ofHost.has(value) || value === Object.prototype || value instanceof Object;
    const find = this.evaluate(findScript) as typeof findBuiltIns;
    const builtIns = find(isOfHost);
    const lock = this.evaluate(lockScript) as typeof lockObject;
    const frozen = (this.evaluate(freezeScript) as typeof freezeRealm)({ lockObject: lock, builtIns });
    const isLocked = (value: object): boolean => isOfHost(value) || builtIns.objects.has(value);
    return { ...globals, ...frozen, lockFrom: (root) => frozen.lockAll(find(isLocked, root)) };
  }

  evaluate(script: vm.Script): unknown {
    return script.runInContext(this.#context);
  }

  /** Runs `body` and then the promise jobs it left in this context. */
  step(body: () => void): void {
    const outer = this.#entered;
    this.#entered = body;
    try {
      enterScript.runInContext(this.#context);
    } finally {
      this.#entered = outer;
    }
  }
}
