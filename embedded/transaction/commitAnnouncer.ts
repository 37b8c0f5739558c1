/** Tells listeners of commits, each of them every commit in order. */
import type { Commit } from "../protocol/engine.ts";

export class CommitAnnouncer {
  readonly #listeners = new Set<(commit: Commit) => void>();
  readonly #unannounced: Commit[] = [];
  readonly #onListenerError: (error: unknown) => void;
  #isAnnouncing = false;

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  add(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A listener may commit in turn: every listener hears of the first commit before any hears of the second. */
  announce(commit: Commit): void {
    this.#unannounced.push(commit);
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    for (let next = this.#unannounced.shift(); next; next = this.#unannounced.shift()) {
      for (const listener of this.#listeners) {
        try {
          listener(next);
        } catch (error) {
          this.#onListenerError(error);
        }
      }
    }
    this.#isAnnouncing = false;
  }
}
