/** How many actions run side by side: whoever finds no slot free waits in line, and is refused after a while. */

/**
 * `inner`: what functions scheduled or called. It has slots of its own, which no crowd of clients can take.
 * `own`: what the deployment asks of itself, one at a time. It needs none: those who hold them may be waiting for it.
 */
export type ActionOrigin = "client" | "inner" | "own";

type Release = () => void;

interface Place {
  origin: ActionOrigin;
  enter: (release: Release) => void;
}

export class ActionSlots {
  readonly #maxWaitMs: number;
  readonly #line: Place[] = [];
  readonly #free: { shared: number; inner: number };
  /** In this turn of the event loop: the next one begins in another. */
  #hasOneBegun = false;

  /** `concurrent` for all, and `concurrentInner` more. */
  constructor(concurrent: number, concurrentInner: number, maxWaitMs: number) {
    this.#free = { shared: concurrent, inner: concurrentInner };
    this.#maxWaitMs = maxWaitMs;
  }

  /** Resolves to the function that gives the slot back (calling it twice is safe), or to null when the wait was in vain. */
  acquire(origin: ActionOrigin): Promise<Release | null> {
    const release = this.#hasOneBegun && origin !== "own" ? null : this.#takeFor(origin);
    if (release) {
      if (origin !== "own") this.#goRoundOnce();
      return Promise.resolve(release);
    }
    return new Promise((resolve) => {
      const place: Place = {
        origin,
        enter: (given) => {
          clearTimeout(patience);
          resolve(given);
        },
      };
      const leave = (): void => {
        // A slot is free: all it waits for is a turn of the event loop.
        if (this.#isFreeFor(origin)) {
          patience = setTimeout(leave, this.#maxWaitMs);
          return;
        }
        this.#line.splice(this.#line.indexOf(place), 1);
        resolve(null);
      };
      let patience = setTimeout(leave, this.#maxWaitMs);
      this.#line.push(place);
    });
  }

  #takeFor(origin: ActionOrigin): Release | null {
    if (origin === "own") return () => undefined;
    if (!this.#isFreeFor(origin)) return null;
    return this.#take(this.#free.shared > 0 ? "shared" : "inner");
  }

  #isFreeFor(origin: ActionOrigin): boolean {
    return this.#free.shared > 0 || (origin === "inner" && this.#free.inner > 0);
  }

  #take(kind: "shared" | "inner"): Release {
    this.#free[kind]--;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free[kind]++;
      if (!this.#hasOneBegun) this.#admitNext();
    };
  }

  /** To begin costs milliseconds. In a crowd the event loop goes round after each: others have bytes to move, and the engine asks for a sign of life. */
  #goRoundOnce(): void {
    this.#hasOneBegun = true;
    setImmediate(() => {
      this.#hasOneBegun = false;
      this.#admitNext();
    });
  }

  #admitNext(): void {
    for (const [index, place] of this.#line.entries()) {
      const release = this.#takeFor(place.origin);
      if (!release) continue;
      this.#line.splice(index, 1);
      this.#goRoundOnce();
      place.enter(release);
      return;
    }
  }
}

/** Convex's words, with the remedy that is left here. */
export function tooManyActions(kind: "action" | "http_action", concurrent: number): string {
  return `Too many concurrent requests. Your backend is limited to ${concurrent} concurrent ${kind}s. Back off and try again.`;
}
