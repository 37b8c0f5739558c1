/**
 * One run of an action or an HTTP action in the action thread: its realm, its log lines, its syscalls, and its end. It
 * fails as a whole when anything in it goes astray, and what is left of it then is dropped.
 */
import type { LogLine } from "../protocol/calls.ts";
import type { StorageFolders } from "../files/storageFolders.ts";
import { addLogLine } from "../runner/logLines.ts";
import type { Realm, RealmHost } from "../runner/realm.ts";
import type { UserError } from "../runner/userError.ts";
import { ActionFiles } from "./actionFiles.ts";
import type { ActionRealm } from "./actionRealm.ts";
import type { RealmGarbage } from "./realmGarbage.ts";

export interface ActionRunParts {
  /** Of this run alone. */
  realm: ActionRealm;
  garbage: RealmGarbage;
  maxRunMs: number;
  folders: StorageFolders;
  /** Asks the engine. Rejects with `message` and, for a ConvexError, `data`. */
  ask: (op: string, argsJson: string) => Promise<string>;
  /** Those that are not of file storage. */
  jsSyscall: (op: string, args: unknown) => unknown;
}

export class ActionRun {
  readonly logLines: LogLine[] = [];
  readonly realm: Realm;
  /** Rejects when the run was ended by a stray error or its time limit; never resolves. */
  readonly failed: Promise<never>;
  readonly #deadline: NodeJS.Timeout;
  readonly #files: ActionFiles;
  readonly #garbage: RealmGarbage;

  constructor(parts: ActionRunParts) {
    const failure = Promise.withResolvers<never>();
    this.failed = failure.promise;
    this.failed.catch(() => undefined); // whoever runs it waits for it; after its end nobody does
    this.#files = new ActionFiles(parts.folders, parts.ask);
    const host: RealmHost = {
      syscall: (op) => {
        throw new Error(`${op} is not available in actions.`);
      },
      asyncSyscall: (op, argsJson) => {
        // What is not of convex/server's version is this thread's own language.
        if (!op.startsWith("1.0/")) throw new Error(`Unknown async operation ${op}`);
        return parts.ask(op, argsJson);
      },
      jsSyscall: (op, args) => this.#files.jsSyscall(op, args) ?? parts.jsSyscall(op, args),
    };
    this.#deadline = setTimeout(() => {
      const seconds = Math.round(parts.maxRunMs / 1000);
      failure.reject(new Error(`Function execution timed out (maximum duration: ${seconds}s)`));
    }, parts.maxRunMs);
    this.realm = parts.realm.realm;
    this.#garbage = parts.garbage;
    this.#garbage.runBegan();
    parts.realm.begin({
      host,
      log: (level, text) => addLogLine(this.logLines, `[${level}] ${text}`),
      onStrayError: (error) => failure.reject(error),
    });
  }

  describeError(error: unknown): UserError {
    return this.realm.describeError(error);
  }

  /** Once. Timers, requests and answers still under way come to nothing. */
  end(): void {
    clearTimeout(this.#deadline);
    this.realm.dispose();
    this.#files.end();
    this.#garbage.runEnded();
  }

  /** A log line of the deployment's own about this run. */
  logError(text: string): void {
    addLogLine(this.logLines, `[ERROR] ${text}`);
  }
}
