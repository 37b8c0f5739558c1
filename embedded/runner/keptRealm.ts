/**
 * A realm for queries and mutations that is kept from run to run. Its built-in objects are frozen and its modules are
 * evaluated anew in each run, so that nothing a run changes is there for the next; what differs from run to run reaches
 * the modules as parameters, so that a callback of a former run would reach its own, dead run and no other.
 */
import type { StepOutcome } from "../protocol/realm.ts";
import { makeConsole } from "./consoleGlobal.ts";
import { makeDeterministicInputs } from "./deterministicInputs.ts";
import { frozenMisfit } from "./frozenMisfit.ts";
import { runStep, type FunctionStep } from "./functionStep.ts";
import { runHasEnded, syscallPort } from "./hostPort.ts";
import { LibraryModules } from "./libraryModules.ts";
import { boundScript, heldScript, ModuleLoader, type ModuleFunction } from "./moduleLoader.ts";
import { asyncPlatformNames } from "./platformGlobals.ts";
import type { DeterministicInputs } from "./prelude/determinism.ts";
import type { SyscallPort } from "./prelude/hostBoundary.ts";
import type { RealmOptions } from "./realm.ts";
import { RealmContext, type KeptGround } from "./realmContext.ts";
import type { RunnableModule, RunnableModules } from "./runnableModule.ts";
import { runOwned } from "./strayErrors.ts";
import { runWithin } from "./timeGuard.ts";
import { describeThrown } from "./userError.ts";
import { strayText } from "./strayText.ts";

type BoundModule = (...runGlobals: unknown[]) => ModuleFunction;
type Env = Readonly<Record<string, string>>;

export interface KeptRun {
  outcome: StepOutcome;
  /** Why the modules do not fit here and need a realm of their own; null when they do. */
  misfit: string | null;
  /** A part of the platform whose answers may come after the run. */
  usedAsyncPlatform: string | null;
}

export class KeptRealm {
  readonly #inputs: DeterministicInputs = makeDeterministicInputs(0, "", "query");
  readonly #context = new RealmContext({ inputs: this.#inputs });
  readonly #frozen: KeptGround;
  /** A push brings new module objects; what was compiled of the old ones goes with them. */
  readonly #compiled = new WeakMap<RunnableModule, BoundModule>();
  readonly #envs = new WeakMap<Env, object>();
  readonly #library: LibraryModules;
  /** Of the run that goes on, for the library. */
  #port: SyscallPort | null = null;
  #log: RealmOptions["log"] | null = null;
  #runs = 0;
  #isClean = true;
  #usedAsyncPlatform: string | null = null;

  constructor() {
    this.#frozen = this.#context.freeze(asyncPlatformNames, (name) => {
      this.#usedAsyncPlatform ??= name;
      this.#isClean = false;
    });
    this.#library = this.#newLibrary();
  }

  get runs(): number {
    return this.#runs;
  }

  /** false when something of a run may come back: its jobs, an answer of the host that is still to come. */
  get isClean(): boolean {
    return this.#isClean;
  }

  run(modules: RunnableModules, options: RealmOptions, step: FunctionStep): KeptRun {
    const { host, env, environment, log, nowMs, randomSeed, timeLimitMs } = options;
    const { handle } = this.#context;
    let isLive = true;
    this.#runs++;
    this.#frozen.reset();
    Object.assign(this.#inputs, makeDeterministicInputs(nowMs, randomSeed, environment));
    const port = syscallPort(host, () => isLive);
    this.#port = port;
    this.#log = log;
    const own = {
      Convex: handle.newConvex(port),
      console: makeConsole(
        (level, text) => isLive && log(level, text),
        () => nowMs,
      ),
      process: handle.newProcess(this.#envOf(env)),
    };
    const global = this.#frozen.make(own);
    const loader = new ModuleLoader(
      modules,
      (code) => this.#compile(code)(global, global, own.Convex, own.console, own.process),
      () => handle.newObject(),
      (code) => this.#library.exportsOf(modules, code),
    );
    const owner = {
      fail: (error: unknown) => log("ERROR", strayText(error, modules)),
    };
    const enter = (body: () => void): boolean => {
      const enterStep = (): void => runOwned(owner, () => this.#context.step(body));
      if (timeLimitMs !== undefined) return runWithin(timeLimitMs, enterStep);
      enterStep();
      return true;
    };
    try {
      const outcome = runStep(loader, handle, step, {
        enter,
        describeThrown: (thrown) => describeThrown(thrown, modules),
        limitMs: timeLimitMs ?? 0,
      });
      if (outcome.status === "timedOut" || outcome.status === "neverSettles") this.#isClean = false;
      const misfit = frozenMisfit(outcome, modules, global, own, this.#frozen);
      return { outcome, misfit, usedAsyncPlatform: this.#usedAsyncPlatform };
    } finally {
      isLive = false;
      this.#port = null;
      this.#log = null;
    }
  }

  #newLibrary(): LibraryModules {
    const { handle } = this.#context;
    const ended = { ok: false, message: runHasEnded } as const;
    const own = {
      Convex: handle.newConvex({
        syscall: (op, argsJson) => this.#port?.syscall(op, argsJson) ?? ended,
        asyncSyscall: (op, argsJson, answer) => this.#port?.asyncSyscall(op, argsJson, answer),
        jsSyscall: (op, args) => this.#port?.jsSyscall(op, args) ?? ended,
      }),
      console: makeConsole(
        (level, text) => this.#log?.(level, text),
        () => this.#inputs.nowMs,
      ),
      process: handle.newProcess({}),
    };
    const global = this.#frozen.make(own);
    return new LibraryModules({
      functionOf: (code, hold) => {
        const bound = this.#context.evaluate(heldScript(code)) as BoundModule;
        return bound(global, global, own.Convex, own.console, own.process, hold);
      },
      newObject: () => handle.newObject(),
      lock: (object) => this.#frozen.lockFrom(object),
    });
  }

  #compile(code: RunnableModule): BoundModule {
    const known = this.#compiled.get(code);
    if (known) return known;
    const compiled = this.#context.evaluate(boundScript(code)) as BoundModule;
    this.#compiled.set(code, compiled);
    return compiled;
  }

  #envOf(env: Env): object {
    const known = this.#envs.get(env);
    if (known) return known;
    const ofRealm = this.#context.handle.parseJson(JSON.stringify(env));
    this.#envs.set(env, ofRealm);
    return ofRealm;
  }
}
