/** How many actions run side by side: whoever finds no slot free waits in line, and is refused after a while. */

export class ActionSlots {
  readonly #maxWaitMs: number;
  readonly #line: { enter: () => void }[] = [];
  #free: number;

  constructor(concurrent: number, maxWaitMs: number) {
    this.#free = concurrent;
    this.#maxWaitMs = maxWaitMs;
  }

  /** Resolves to the function that gives the slot back (calling it twice is safe), or to null when the wait was in vain. */
  acquire(): Promise<(() => void) | null> {
    if (this.#free > 0) return Promise.resolve(this.#take());
    return new Promise((resolve) => {
      const place = {
        enter: () => {
          clearTimeout(patience);
          resolve(this.#take());
        },
      };
      const patience = setTimeout(() => {
        this.#line.splice(this.#line.indexOf(place), 1);
        resolve(null);
      }, this.#maxWaitMs);
      this.#line.push(place);
    });
  }

  #take(): () => void {
    this.#free--;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free++;
      this.#line.shift()?.enter();
    };
  }
}

export const tooManyActions = "Too many actions run at once on this deployment. Back off and try again.";
