/**
 * The realm of one action, made before anybody knows whose: its modules may be evaluated long before its run begins. What they
 * print meanwhile, and what goes astray, is told to the run.
 */
import type { LogLevel } from "../runner/consoleGlobal.ts";
import { Realm, type RealmHost } from "../runner/realm.ts";
import type { RunnableModules } from "../runner/runnableModule.ts";

export interface ActionRealmParts {
  modules: RunnableModules;
  env: Readonly<Record<string, string>>;
  /** What the clock shows while modules are evaluated. */
  deployedAtMs: number;
}

export interface RunOfRealm {
  host: RealmHost;
  log(level: LogLevel, text: string): void;
  onStrayError(error: unknown): void;
}

export class ActionRealm {
  readonly realm: Realm;
  readonly parts: ActionRealmParts;
  #run: RunOfRealm | null = null;
  /** For the run, in order. */
  readonly #untold: ((run: RunOfRealm) => void)[] = [];

  constructor(parts: ActionRealmParts) {
    this.parts = parts;
    this.realm = new Realm(parts.modules, {
      environment: "action",
      host: {
        syscall: (op, argsJson) => this.#hostFor(op).syscall(op, argsJson),
        asyncSyscall: (op, argsJson) => this.#hostFor(op).asyncSyscall(op, argsJson),
        jsSyscall: (op, args) => this.#hostFor(op).jsSyscall(op, args),
      },
      env: parts.env,
      log: (level, text) => this.#tell((run) => run.log(level, text)),
      nowMs: parts.deployedAtMs,
      randomSeed: "",
      onStrayError: (error) => this.#tell((run) => run.onStrayError(error)),
    });
  }

  /** Once. */
  begin(run: RunOfRealm): void {
    this.#run = run;
    for (const tell of this.#untold.splice(0)) tell(run);
  }

  #tell(tell: (run: RunOfRealm) => void): void {
    if (this.#run) tell(this.#run);
    else this.#untold.push(tell);
  }

  #hostFor(op: string): RealmHost {
    if (this.#run) return this.#run.host;
    throw new Error(`${op.replace(/^1\.0\/(actions\/)?/, "")} unsupported at import time`);
  }
}
