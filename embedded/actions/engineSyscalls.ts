/** The action thread's syscalls: questions to the engine, each answered by a message with the same id. */
import type { ActionSyscallResult } from "../protocol/actions.ts";
import type { FromActionThread } from "./threadMessages.ts";

interface Asker {
  runId: number;
  resolve(valueJson: string): void;
  reject(error: Error): void;
}

export class EngineSyscalls {
  readonly #post: (message: FromActionThread) => void;
  readonly #askers = new Map<number, Asker>();
  #lastId = 0;

  constructor(post: (message: FromActionThread) => void) {
    this.#post = post;
  }

  ask(runId: number, op: string, argsJson: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const syscallId = ++this.#lastId;
      this.#askers.set(syscallId, { runId, resolve, reject });
      this.#post({ kind: "syscall", syscallId, runId, op, argsJson });
    });
  }

  answer(syscallId: number, result: ActionSyscallResult): void {
    const asker = this.#askers.get(syscallId);
    if (!asker) return; // its run has ended
    this.#askers.delete(syscallId);
    if (result.status === "success") return asker.resolve(result.valueJson);
    const error: Error & { data?: unknown } = new Error(result.message);
    if (result.dataJson !== undefined) error.data = JSON.parse(result.dataJson);
    asker.reject(error);
  }

  /** The run has ended: its answers come to nothing. */
  forget(runId: number): void {
    for (const [syscallId, asker] of this.#askers) if (asker.runId === runId) this.#askers.delete(syscallId);
  }
}
