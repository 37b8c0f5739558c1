/**
 * Lets many sources take turns: one task of each, then the next of each, in slices between which the event loop goes
 * round. The tasks of one source run in their order.
 */
export class Turns<Source> {
  readonly #startSlice: () => () => boolean;
  readonly #lines = new Map<Source, (() => void)[]>();
  #isScheduled = false;

  /** @param startSlice - Returns what tells, after each task, whether the others should get the thread. */
  constructor(startSlice: () => () => boolean) {
    this.#startSlice = startSlice;
  }

  /** The task runs in a later turn of the event loop, and must not throw. */
  add(source: Source, task: () => void): void {
    const line = this.#lines.get(source);
    if (line === undefined) this.#lines.set(source, [task]);
    else line.push(task);
    this.#runSoon();
  }

  /** What has not run never will. */
  close(): void {
    this.#lines.clear();
  }

  #runSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const isOver = this.#startSlice();
    for (;;) {
      const [next] = this.#lines;
      if (next === undefined) return;
      const [source, line] = next;
      const task = line.shift();
      // Behind the others; a source without tasks leaves.
      this.#lines.delete(source);
      if (line.length > 0) this.#lines.set(source, line);
      task?.();
      if (isOver() && this.#lines.size > 0) {
        this.#runSoon();
        return;
      }
    }
  }
}
