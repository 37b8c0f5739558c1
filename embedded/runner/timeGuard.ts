/**
 * Ends JavaScript of this thread that runs too long, wherever it loops, and lets the thread live on.
 *
 * `vm` does the same with its `timeout`, for which it starts and joins a thread at every entry (0.1 ms of processor time).
 * The debugger's `Runtime.evaluate` gives the work to a thread that is there already: a tenth of that.
 */
import { Session } from "node:inspector";

const enterKey = Symbol.for("embedded.guarded");
const expression = `globalThis[Symbol.for("embedded.guarded")]()`;

/** The clock that ends the work is another thread's, and on a busy machine it may be early by tens of milliseconds. */
const earliestEnd = 0.8;

type WorkEnd = { failed: false } | { failed: true; error: unknown };

class TimeGuard {
  readonly #session = new Session();
  #work: (() => void) | null = null;

  constructor() {
    this.#session.connect();
    Object.defineProperty(globalThis, enterKey, { value: () => this.#work?.(), configurable: true });
  }

  /** The thread has used up its memory and ends as soon as what it does now has returned. */
  isThreadEnding = false;

  get isActive(): boolean {
    return this.#work !== null;
  }

  run(limitMs: number, work: () => void): boolean {
    let end: WorkEnd | null = null;
    let problem: Error | null = null;
    this.#work = () => {
      try {
        work();
        end = { failed: false };
      } catch (error) {
        end = { failed: true, error };
      }
    };
    const startedAtMs = performance.now();
    // A thread that was about to end would run nothing more.
    this.isThreadEnding = false;
    // Answers before it returns: the session is this thread's own.
    this.#session.post("Runtime.evaluate", { expression, timeout: limitMs, silent: true }, (error) => {
      problem = error;
    });
    this.#work = null;
    const isDone = settle(end, problem);
    // Somebody else ended it: nobody but the watch over the heap does.
    if (!isDone && performance.now() - startedAtMs < limitMs * earliestEnd) this.isThreadEnding = true;
    return isDone;
  }
}

function settle(end: WorkEnd | null, problem: Error | null): boolean {
  if (end?.failed) throw end.error;
  if (end !== null) return true;
  if (problem?.message.includes("terminated")) return false;
  throw problem ?? new Error("The debugger of this thread did not run what it was given.");
}

let guard: TimeGuard | null = null;

/**
 * Runs `work`; after `limitMs` of wall time it is ended between any two instructions, without its `finally` blocks.
 * Inside of `work` another call has no limit of its own: the outermost covers all.
 * @returns false when it was ended.
 */
export function runWithin(limitMs: number, work: () => void): boolean {
  guard ??= new TimeGuard();
  if (guard.isActive) {
    work();
    return true;
  }
  return guard.run(limitMs, work);
}

/** Whether work was ended because the memory of this thread is used up: the thread ends after it. */
export function isThreadEnding(): boolean {
  return guard?.isThreadEnding ?? false;
}
