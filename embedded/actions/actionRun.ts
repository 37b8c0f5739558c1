/**
 * One run of an action or an HTTP action in the action thread: its realm, its log lines, its syscalls, and its end. It
 * fails as a whole when anything in it goes astray, and what is left of it then is dropped.
 */
import type { LogLine } from "../protocol/calls.ts";
import { addLogLine } from "../runner/logLines.ts";
import { Realm, type RealmHost } from "../runner/realm.ts";
import type { UserError } from "../runner/userError.ts";
import type { RunnableModules } from "../runner/runnableModule.ts";

export interface ActionRunParts {
  modules: RunnableModules;
  env: Readonly<Record<string, string>>;
  maxRunMs: number;
  /** Asks the engine. Rejects with `message` and, for a ConvexError, `data`. */
  asyncSyscall: (op: string, argsJson: string) => Promise<string>;
  jsSyscall: (op: string, args: unknown) => unknown;
}

export class ActionRun {
  readonly logLines: LogLine[] = [];
  readonly realm: Realm;
  /** Rejects when the run was ended by a stray error or its time limit; never resolves. */
  readonly failed: Promise<never>;
  readonly #deadline: NodeJS.Timeout;

  constructor(parts: ActionRunParts) {
    const failure = Promise.withResolvers<never>();
    this.failed = failure.promise;
    this.failed.catch(() => undefined); // whoever runs it waits for it; after its end nobody does
    const host: RealmHost = {
      syscall: (op) => {
        throw new Error(`${op} is not available in actions.`);
      },
      asyncSyscall: parts.asyncSyscall,
      jsSyscall: parts.jsSyscall,
    };
    this.#deadline = setTimeout(() => {
      const seconds = Math.round(parts.maxRunMs / 1000);
      failure.reject(new Error(`Function execution timed out (maximum duration: ${seconds}s)`));
    }, parts.maxRunMs);
    this.realm = new Realm(parts.modules, {
      environment: "action",
      host,
      env: parts.env,
      log: (level, text) => addLogLine(this.logLines, `[${level}] ${text}`),
      nowMs: 0,
      randomSeed: "",
      onStrayError: (error) => failure.reject(error),
    });
  }

  describeError(error: unknown): UserError {
    return this.realm.describeError(error);
  }

  /** Timers, requests and answers still under way come to nothing. */
  end(): void {
    clearTimeout(this.#deadline);
    this.realm.dispose();
  }

  warn(text: string): void {
    addLogLine(this.logLines, `[WARN] ${text}`);
  }
}
