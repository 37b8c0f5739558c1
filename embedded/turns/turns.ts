/**
 * Whose work the engine thread does next, for all that ask it: sockets, HTTP callers, actions, the scheduler. Work comes in
 * tasks, those of one source in their order; of the sources that have some, whoever has had the thread for the least time
 * comes first (fairOrder.ts). Tasks run in slices, between which the event loop goes round.
 */
import { FairOrder } from "./fairOrder.ts";

export interface TurnsParts {
  /** Begins a slice. Returns what tells, after each task, whether the event loop should go round. */
  startSlice: () => () => boolean;
  monotonicMs: () => number;
}

/** Sockets by their number, others by a name with a word before it that says what they are. */
export type Source = number | string;

export class Turns {
  readonly #parts: TurnsParts;
  readonly #order = new FairOrder<Source>();
  readonly #lines = new Map<Source, (() => void)[]>();
  #isScheduled = false;
  #isClosed = false;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /** The task runs in a later turn of the event loop, and must not throw. */
  add(source: Source, task: () => void): void {
    this.#wait(source).push(task);
  }

  /** The same before what the source has in line already: tasks that were begun and put off. */
  addFirst(source: Source, tasks: readonly (() => void)[]): void {
    if (tasks.length > 0) this.#wait(source).unshift(...tasks);
  }

  /** Begins `work` in the source's turn; settles as it does. What it awaits holds up nobody. */
  run<Result>(source: Source, work: () => Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>();
    this.add(source, () => resolve((async () => await work())()));
    return promise;
  }

  /** What has not run never will. */
  close(): void {
    this.#isClosed = true;
    this.#lines.clear();
  }

  #wait(source: Source): (() => void)[] {
    let line = this.#lines.get(source);
    if (line === undefined) this.#lines.set(source, (line = []));
    this.#order.wait(source);
    this.#runSoon();
    return line;
  }

  #runSoon(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const isOver = this.#parts.startSlice();
    while (!this.#isClosed) {
      const next = this.#order.next();
      if (next === null) return;
      this.#runOne(next.owner);
      if (isOver() && !this.#order.isEmpty) {
        this.#runSoon();
        return;
      }
    }
  }

  #runOne(source: Source): void {
    const { monotonicMs } = this.#parts;
    const line = this.#lines.get(source);
    const startedMs = monotonicMs();
    line?.shift()?.();
    this.#order.used(source, monotonicMs() - startedMs);
    if (line !== undefined && line.length > 0) return;
    this.#lines.delete(source);
    this.#order.leave(source);
  }
}
