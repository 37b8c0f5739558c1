/**
 * How the function executor (runner/functionRun.ts) uses a realm (runner/realm.ts) for queries and mutations.
 *
 * A query or a mutation runs in one synchronous step. Its context is made with `microtaskMode: "afterEvaluate"`, so
 * that `script.runInContext(context, { timeout })` also drains the promise jobs of the context, and the timeout covers
 * a busy loop behind an `await` too. Every syscall of a query or a mutation is answered synchronously (SQLite is
 * synchronous), so when the step ends the function has either settled or awaits something that never comes.
 * Nothing of the engine runs in between: a transaction cannot be interleaved, and a nested `runUdf` is a nested step.
 * (Measured: 0.2 ms in a kept context, 0.65 ms with a fresh one, 20 syscalls each, nested steps and timeouts work.)
 *
 * For that, `Convex.asyncSyscall` is defined by the prelude, inside the context, so that the promise belongs to it:
 *   (op, args) => new Promise((resolve, reject) => { try { resolve(host.asyncSyscall(op, args)) } catch (e) { reject(errorOfContext(e)) } })
 * Work of the host that ends later (crypto.subtle) never arrives in such a context: answer it synchronously.
 */

/** How a step ended. */
export type StepOutcome =
  | { status: "returned"; /** What `invokeQuery` or `invokeMutation` resolved to. */ valueJson: string }
  | {
      status: "threw";
      /** "Uncaught Error: text\n    at handler (../convex/messages.ts:12:3)". */
      message: string;
      /** Convex JSON, encoded, of a ConvexError's data. */
      dataJson?: string;
    }
  /** Its promise awaits something that can never settle. */
  | { status: "neverSettles" }
  | { status: "timedOut"; limitMs: number };

/** The part of `Realm` the executor calls. */
export interface StepRealm {
  /**
   * Imports the module, calls `exports[exportName][method](argsJson)` and drains the context's promise jobs.
   * `argsJson` is the encoded array of arguments.
   */
  runStep(
    modulePath: string,
    exportName: string,
    method: "invokeQuery" | "invokeMutation",
    argsJson: string,
  ): StepOutcome;
  dispose(): void;
}
