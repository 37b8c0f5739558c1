/**
 * Realms for queries and mutations: a few kept ones, each used by one function at a time, and one of its own for each run
 * of a module that does not fit into them. Which modules those are shows when they run.
 */
import type { StepOutcome } from "../protocol/realm.ts";
import { isSameError } from "./frozenMisfit.ts";
import type { FunctionStep } from "./functionStep.ts";
import { KeptRealm } from "./keptRealm.ts";
import { Realm, type RealmOptions } from "./realm.ts";
import type { RunnableModules } from "./runnableModule.ts";
import type { RunPlan } from "./runPlan.ts";

/** As deep as functions that call one another usually go. What is needed beyond that is made anew. */
const maxIdle = 4;
/** Then a realm is given up for a new one: a bound for whatever V8 may gather in it. */
const maxRuns = 50_000;

export class StepRealms {
  readonly #log: (line: string) => void;
  readonly #idle: KeptRealm[] = [];
  /** Entry modules that need a realm of their own, with the reason. */
  readonly #misfits = new WeakMap<RunnableModules, Map<string, string>>();
  /** Those for which the second attempt is going to show it. */
  readonly #suspects = new WeakMap<RunnableModules, Map<string, string>>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Runs one function. Asks the plan for another attempt when its module does not fit. */
  run(modules: RunnableModules, options: RealmOptions, step: FunctionStep, plan: RunPlan): StepOutcome {
    if (!plan.usesKeptRealms || this.#misfits.get(modules)?.has(step.path)) {
      return this.#runFresh(modules, options, step);
    }
    const realm = this.#idle.pop() ?? new KeptRealm();
    const { outcome, misfit, usedAsyncPlatform } = realm.run(modules, options, step);
    if (realm.isClean && realm.runs < maxRuns && this.#idle.length < maxIdle) this.#idle.push(realm);
    if (misfit !== null) {
      entriesOf(this.#suspects, modules).set(step.path, misfit);
      plan.tryFreshRealms();
    } else if (usedAsyncPlatform !== null) {
      // This run is as good as any, but making a kept realm for each such run costs more than a fresh one.
      this.#remember(modules, step.path, `it uses ${usedAsyncPlatform}, which may answer after its end`);
    }
    return outcome;
  }

  #runFresh(modules: RunnableModules, options: RealmOptions, step: FunctionStep): StepOutcome {
    const realm = new Realm(modules, options);
    try {
      const outcome = realm.runStep(step.path, step.exportName, step.method, step.argsJson);
      this.#judge(modules, step, outcome);
      return outcome;
    } finally {
      realm.dispose();
    }
  }

  #judge(modules: RunnableModules, { path }: FunctionStep, outcome: StepOutcome): void {
    const suspects = this.#suspects.get(modules);
    const misfit = suspects?.get(path);
    if (!suspects || misfit === undefined) return;
    suspects.delete(path);
    if (isSameError(misfit, outcome)) return;
    this.#remember(modules, path, misfit);
  }

  #remember(modules: RunnableModules, path: string, reason: string): void {
    const misfits = entriesOf(this.#misfits, modules);
    if (misfits.has(path)) return;
    misfits.set(path, reason);
    this.#log(
      `Functions of ${path} run in realms of their own from now on, which costs some milliseconds a call; they do not fit ` +
        `into one that is kept: ${reason}`,
    );
  }
}

function entriesOf(
  map: WeakMap<RunnableModules, Map<string, string>>,
  modules: RunnableModules,
): Map<string, string> {
  const known = map.get(modules) ?? new Map<string, string>();
  map.set(modules, known);
  return known;
}
