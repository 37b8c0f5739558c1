/**
 * One realm: a fresh vm context in which the functions of one component run once, with Convex's globals around them.
 * Owns the context, its modules, timers and requests in flight. Knows nothing of transactions or of HTTP.
 *
 * A realm for queries, mutations and analysis runs in synchronous steps: its promise jobs are drained by the step that
 * made them, so that `timeLimitMs` covers a busy loop behind an `await`, too. An action's realm lives in the event loop.
 *
 * vm is no security boundary: whoever pushes code holds the admin key. What is promised is that no state passes from one
 * run to the next and that nothing user code throws reaches the host.
 */
import vm from "node:vm";
import type { StepOutcome, StepRealm } from "../protocol/realm.ts";
import { makeConsole, type LogLevel } from "./consoleGlobal.ts";
import { makeDeterministicInputs } from "./deterministicInputs.ts";
import { refuseLoneSurrogates } from "./loneSurrogates.ts";
import { ModuleLoader } from "./moduleLoader.ts";
import { hostConstructors, makeFetch, platformGlobals } from "./platformGlobals.ts";
import { installDeterminism } from "./prelude/determinism.ts";
import {
  installHostBoundary,
  type CallOutcome,
  type HostBoundary,
  type HostReply,
  type RealmHandle,
} from "./prelude/hostBoundary.ts";
import { RealmTimers } from "./realmTimers.ts";
import type { RunnableModules } from "./runnableModule.ts";
import { runOwned, type ErrorOwner } from "./strayErrors.ts";
import { describeUserError, type UserError } from "./userError.ts";

export type RealmEnvironment = "query" | "mutation" | "action" | "analysis";

/** May throw an Error with `message` and, for a ConvexError, `data` as Convex JSON. */
export interface RealmHost {
  syscall(op: string, argsJson: string): string;
  /** In a query or a mutation the answer must be there at once: a promise never settles within the step. */
  asyncSyscall(op: string, argsJson: string): string | Promise<string>;
  jsSyscall(op: string, args: unknown): unknown;
}

export interface RealmOptions {
  environment: RealmEnvironment;
  host: RealmHost;
  /** `process.env`. */
  env: Readonly<Record<string, string>>;
  /** `text` is the line without its level: "'text' { a: 1 }". */
  log(level: LogLevel, text: string): void;
  /** What the clock of a query or a mutation shows. Actions have the real one. */
  nowMs: number;
  randomSeed: string;
  /** Wall time of one step, of one import. Not for actions. */
  timeLimitMs?: number;
  /**
   * User code threw where no caller could catch it: in a timer, a listener, a promise nobody awaits. Without it the error
   * is a log line: when it is noticed, a query or a mutation has ended.
   */
  onStrayError?(error: unknown): void;
}

const boundaryScript = new vm.Script(`(${installHostBoundary.toString()})`, {
  filename: "embedded:hostBoundary",
});
const determinismScript = new vm.Script(`(${installDeterminism.toString()})`, {
  filename: "embedded:determinism",
});
// A timeout covers only what a script evaluates: whatever is to be limited is called from here.
const enterKey = Symbol.for("embedded.enter");
const enterScript = new vm.Script(`globalThis[Symbol.for("embedded.enter")]()`, {
  filename: "embedded:enter",
});

export class Realm implements StepRealm {
  readonly #modules: RunnableModules;
  readonly #options: RealmOptions;
  readonly #context: vm.Context;
  readonly #handle: RealmHandle;
  readonly #loader: ModuleLoader;
  readonly #timers: RealmTimers;
  readonly #ended = new AbortController();
  readonly #owner: ErrorOwner;
  #entered: (() => void) | null = null;

  constructor(modules: RunnableModules, options: RealmOptions) {
    this.#modules = modules;
    this.#options = options;
    this.#owner = { fail: (error) => this.#astray(error) };
    this.#timers = new RealmTimers(this.#owner.fail);
    const inSteps = options.environment !== "action";
    this.#context = vm.createContext(
      vm.constants.DONT_CONTEXTIFY,
      inSteps ? { microtaskMode: "afterEvaluate" } : {},
    );
    Object.defineProperty(this.#context, enterKey, { value: () => this.#entered?.() });
    const install = boundaryScript.runInContext(this.#context) as typeof installHostBoundary;
    this.#handle = install(this.#boundary());
    if (inSteps) {
      const fix = determinismScript.runInContext(this.#context) as typeof installDeterminism;
      fix(makeDeterministicInputs(options.nowMs, options.randomSeed, options.environment === "analysis"));
    }
    this.#loader = new ModuleLoader(
      modules,
      (script) => script.runInContext(this.#context),
      () => this.#handle.newObject(),
    );
  }

  /**
   * The exports of a module, evaluated on first use.
   * @throws whatever the module throws while it is evaluated.
   */
  importModule(path: string): Record<string, unknown> {
    let exports: Record<string, unknown> = {};
    this.#enter(() => {
      exports = this.#loader.import(path);
    });
    return exports;
  }

  /** For queries and mutations. */
  runStep(path: string, exportName: string, method: string, argsJson: string): StepOutcome {
    let settled: CallOutcome | null = null;
    try {
      this.#enter(() => {
        const exports = this.#loader.import(path);
        this.#handle.callFunction(exports, exportName, method, [argsJson], (outcome) => {
          settled = outcome;
        });
      });
      return this.#outcomeOf(settled);
    } catch (error) {
      if (isTimeout(error)) return { status: "timedOut", limitMs: this.#options.timeLimitMs ?? 0 };
      return { status: "threw", ...this.describeError(error) };
    }
  }

  /** For actions: calls `exports[exportName][method](...args)`. Rejects with what user code threw. */
  call(path: string, exportName: string, method: string, args: readonly unknown[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.own(() => {
        const exports = this.#loader.import(path);
        this.#handle.callFunction(exports, exportName, method, args, (outcome) => {
          if (!outcome.ok) return reject(outcome.error);
          try {
            resolve(wellFormed(String(outcome.value)));
          } catch (error) {
            reject(error);
          }
        });
      });
    });
  }

  /** Runs host code that calls back into the realm, so that what goes astray there is charged to it. */
  own<T>(body: () => T): T {
    return runOwned(this.#owner, body);
  }

  describeError(error: unknown): UserError {
    return describeUserError(error, this.#modules);
  }

  /** Ends timers and requests; what user code asks for afterwards is never answered. */
  dispose(): void {
    if (this.#ended.signal.aborted) return;
    this.#timers.clearAll();
    this.#ended.abort(new Error("The function has ended."));
  }

  #astray(error: unknown): void {
    if (this.#options.onStrayError) this.#options.onStrayError(error);
    else this.#options.log("ERROR", `Unhandled: ${this.describeError(error).message}`);
  }

  #outcomeOf(settled: CallOutcome | null): StepOutcome {
    if (settled === null) return { status: "neverSettles" };
    if (!settled.ok) throw settled.error;
    return { status: "returned", valueJson: wellFormed(String(settled.value)) };
  }

  #enter(body: () => void): void {
    const { environment, timeLimitMs } = this.#options;
    if (environment === "action") return this.own(body);
    const outer = this.#entered;
    this.#entered = body;
    try {
      this.own(() =>
        enterScript.runInContext(this.#context, timeLimitMs === undefined ? {} : { timeout: timeLimitMs }),
      );
    } finally {
      this.#entered = outer;
    }
  }

  #boundary(): HostBoundary {
    const { host, env, environment } = this.#options;
    const isLive = (): boolean => !this.#ended.signal.aborted;
    const console = makeConsole((level, text) => isLive() && this.#options.log(level, text), this.#clock());
    const live = environment === "action" ? this.#liveGlobals() : {};
    return {
      platform: { ...platformGlobals, ...live, console },
      hostConstructors,
      envJson: JSON.stringify(env),
      syscall: (op, argsJson) => reply(() => host.syscall(op, wellFormed(argsJson))),
      asyncSyscall: (op, argsJson, settle) => {
        if (!isLive()) return;
        try {
          const answer = host.asyncSyscall(op, wellFormed(argsJson));
          if (typeof answer === "string") return settle({ ok: true, value: answer });
          answer.then(
            (value) => isLive() && settle({ ok: true, value }),
            (error: unknown) => isLive() && settle(failure(error)),
          );
        } catch (error) {
          settle(failure(error));
        }
      },
      jsSyscall: (op, args) => {
        try {
          return { ok: true, value: host.jsSyscall(op, args) };
        } catch (error) {
          return failure(error);
        }
      },
    };
  }

  #clock(): () => number {
    const { environment, nowMs } = this.#options;
    return environment === "action" ? () => Date.now() : () => nowMs;
  }

  #liveGlobals(): Record<string, unknown> {
    return { ...this.#timers.globals(), fetch: makeFetch(this.#ended.signal), crypto, performance };
  }
}

function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}

function wellFormed(json: string): string {
  refuseLoneSurrogates(json);
  return json;
}

function failure(error: unknown): { ok: false; message: string; dataJson?: string } {
  const { message, data } = error as { message?: unknown; data?: unknown };
  const text = typeof message === "string" ? message : String(error);
  return data === undefined
    ? { ok: false, message: text }
    : { ok: false, message: text, dataJson: JSON.stringify(data) };
}

function reply(answer: () => string): HostReply {
  try {
    return { ok: true, value: answer() };
  } catch (error) {
    return failure(error);
  }
}
