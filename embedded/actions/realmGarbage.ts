/**
 * The memory of realms that are over. A context is a third of a megabyte, two where a provider's SDK is evaluated in it, and
 * only a collection of the whole heap frees it. V8 begins one when the heap is a multiple of what was in use; on a busy
 * machine a crowd of short runs then makes contexts faster than it collects them in passing. So it is asked.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** It stops the thread for as long as a few runs take to begin. */
const maxUncollected = 64;
/** So few are left to V8. */
const minUncollected = 8;
/** When nothing has run for so long, nobody waits. */
const idleMs = 1_000;

export class RealmGarbage {
  readonly #collect: () => void;
  #running = 0;
  /** Runs that have ended since the last collection. */
  #uncollected = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

  runBegan(): void {
    this.#running++;
    clearTimeout(this.#idle);
  }

  runEnded(): void {
    this.#running--;
    this.#uncollected++;
    if (this.#uncollected >= maxUncollected) {
      this.#uncollected = 0;
      // Not before what has just ended is let go of.
      setImmediate(this.#collect);
    } else if (this.#running === 0) {
      this.#idle = setTimeout(() => this.#collectWhenIdle(), idleMs).unref();
    }
  }

  #collectWhenIdle(): void {
    if (this.#uncollected < minUncollected) return;
    this.#uncollected = 0;
    this.#collect();
  }
}

/** Collects all garbage of this thread. Contexts that are made later do not have it among their globals. */
export function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  try {
    return runInNewContext("gc") as () => void;
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
