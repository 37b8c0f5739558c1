/**
 * One realm: a context of its own in which the functions of one component run once, with Convex's globals around them.
 * Owns its modules, timers and requests in flight. Knows nothing of transactions or of HTTP.
 *
 * Actions and the analysis of a push run in one, and queries and mutations that a kept realm (keptRealm.ts) is too strict
 * for.
 *
 * vm is no security boundary: whoever pushes code holds the admin key. What is promised is that no state passes from one
 * run to the next and that nothing user code throws reaches the host.
 */
import type { StepOutcome, StepRealm } from "../protocol/realm.ts";
import { makeConsole, type LogLevel } from "./consoleGlobal.ts";
import { makeDeterministicInputs } from "./deterministicInputs.ts";
import { syscallPort, wellFormed, type RealmHost } from "./hostPort.ts";
import { ModuleLoader, plainScript } from "./moduleLoader.ts";
import { makeFetch } from "./platformGlobals.ts";
import { RealmContext } from "./realmContext.ts";
import { RealmTimers } from "./realmTimers.ts";
import type { RunnableModules } from "./runnableModule.ts";
import { runStep, type FunctionStep } from "./functionStep.ts";
import { runOwned, type ErrorOwner } from "./strayErrors.ts";
import { runWithin } from "./timeGuard.ts";
import { strayText } from "./strayText.ts";
import { describeThrown, describeUserError, type UserError } from "./userError.ts";

export type { RealmHost } from "./hostPort.ts";
export type RealmEnvironment = "query" | "mutation" | "action" | "analysis";

export interface RealmOptions {
  environment: RealmEnvironment;
  host: RealmHost;
  /** `process.env`. */
  env: Readonly<Record<string, string>>;
  /** `text` is the line without its level: "'text' { a: 1 }". */
  log: (level: LogLevel, text: string) => void;
  /** What the clock of a query or a mutation shows, and of an action while its modules are evaluated. */
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

/** What goes astray after the end. */
const dropped = (): void => undefined;

export class Realm implements StepRealm {
  readonly #modules: RunnableModules;
  readonly #options: RealmOptions;
  readonly #context: RealmContext;
  readonly #loader: ModuleLoader;
  readonly #timers: RealmTimers;
  readonly #ended = new AbortController();
  readonly #owner: ErrorOwner;
  /** Of an action: its modules are evaluated, and what reaches outside is still refused. */
  #isImporting = true;

  constructor(modules: RunnableModules, options: RealmOptions) {
    this.#modules = modules;
    this.#options = options;
    this.#owner = { fail: (error) => this.#astray(error) };
    this.#timers = new RealmTimers(this.#owner.fail);
    const { environment, nowMs, randomSeed } = options;
    this.#context =
      environment === "action"
        ? new RealmContext({ live: this.#liveGlobals(), nowMs: () => this.#nowMs() })
        : new RealmContext({ inputs: makeDeterministicInputs(nowMs, randomSeed, environment) });
    const { handle } = this.#context;
    this.#defineRunGlobals();
    this.#loader = new ModuleLoader(
      modules,
      (code) => this.#context.evaluate(plainScript(code)),
      () => handle.newObject(),
    );
  }

  /**
   * The exports of a module, evaluated on first use.
   * @throws whatever the module throws while it is evaluated.
   */
  importModule(path: string): Record<string, unknown> {
    let exports: Record<string, unknown> = {};
    const isDone = this.#enter(() => {
      exports = this.#loader.import(path);
    });
    if (!isDone) throw new Error(`Importing ${path} timed out after ${this.#options.timeLimitMs} ms`);
    return exports;
  }

  /** For queries and mutations. */
  runStep(path: string, exportName: string, method: string, argsJson: string): StepOutcome {
    const step: FunctionStep = { path, exportName, method, argsJson };
    return runStep(this.#loader, this.#context.handle, step, {
      enter: (body) => this.#enter(body),
      describeThrown: (thrown) => describeThrown(thrown, this.#modules),
      limitMs: this.#options.timeLimitMs ?? 0,
    });
  }

  /** For actions: evaluates a module before anybody calls it. What it throws is thrown again by the call. */
  prepare(path: string): void {
    try {
      this.own(() => this.#loader.import(path));
    } catch {
      // Kept by the loader.
    }
  }

  /** For actions: calls `exports[exportName][method](...args)`. Rejects with what user code threw. */
  call(path: string, exportName: string, method: string, args: readonly unknown[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.own(() => {
        const exports = this.#loader.import(path);
        this.#isImporting = false;
        this.#context.handle.callFunction(exports, exportName, method, args, (outcome) => {
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
    // A kept connection remembers in whose context it was used last: through this, all the realm.
    if (this.#options.onStrayError) this.#owner.fail = dropped;
  }

  #astray(error: unknown): void {
    if (this.#options.onStrayError) this.#options.onStrayError(error);
    else this.#options.log("ERROR", strayText(error, this.#modules));
  }

  /** false when the time was up. */
  #enter(body: () => void): boolean {
    const { environment, timeLimitMs } = this.#options;
    const step = (): void => this.own(environment === "action" ? body : () => this.#context.step(body));
    if (timeLimitMs !== undefined && environment !== "action") return runWithin(timeLimitMs, step);
    step();
    return true;
  }

  #defineRunGlobals(): void {
    const { host, env, log } = this.#options;
    const isLive = (): boolean => !this.#ended.signal.aborted;
    const { handle } = this.#context;
    handle.define(
      "console",
      makeConsole(
        (level, text) => isLive() && log(level, text),
        () => this.#nowMs(),
      ),
    );
    handle.define("process", handle.newProcess(handle.parseJson(JSON.stringify(env))));
    handle.define("Convex", handle.newConvex(syscallPort(host, isLive)));
    handle.defineSelf();
  }

  #liveGlobals(): Record<string, unknown> {
    const live = { ...this.#timers.globals(), fetch: makeFetch(this.#ended.signal) };
    const guarded = Object.entries(live).map(([name, use]) => [
      name,
      (...args: unknown[]) => {
        if (this.#isImporting) throw new Error(`${name} unsupported at import time`);
        return (use as (...args: unknown[]) => unknown)(...args);
      },
    ]);
    return { ...Object.fromEntries(guarded), crypto, performance };
  }

  #nowMs(): number {
    const { environment, nowMs } = this.#options;
    return environment === "action" && !this.#isImporting ? Date.now() : nowMs;
  }
}
