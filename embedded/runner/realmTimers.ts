/** The timers of one realm: its callbacks cannot throw into the host, and all end with it. */

/** Node fires a longer timer at once. */
const maxDelayMs = 2 ** 31 - 1;

type Handler = (...args: unknown[]) => unknown;

export class RealmTimers {
  readonly #running = new Map<number, NodeJS.Timeout>();
  readonly #onError: (error: unknown) => void;
  #lastId = 0;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** As the web has them: ids are numbers. */
  globals(): Record<string, unknown> {
    const clear = (id: unknown): void => this.#clear(id as number);
    return {
      setTimeout: (handler: unknown, delayMs?: unknown, ...args: unknown[]) =>
        this.#start(handler, delayMs, args, false),
      setInterval: (handler: unknown, delayMs?: unknown, ...args: unknown[]) =>
        this.#start(handler, delayMs, args, true),
      clearTimeout: clear,
      clearInterval: clear,
    };
  }

  clearAll(): void {
    for (const timer of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }

  #start(handler: unknown, delay: unknown, args: unknown[], repeat: boolean): number {
    if (typeof handler !== "function")
      throw new TypeError("A timer needs a function; code in a string is not supported.");
    const delayMs = Math.min(Math.max(Number(delay) || 0, 0), maxDelayMs);
    const id = ++this.#lastId;
    const run = (): void => {
      if (!repeat) this.#running.delete(id);
      try {
        (handler as Handler)(...args);
      } catch (error) {
        this.#onError(error);
      }
    };
    this.#running.set(id, repeat ? setInterval(run, delayMs) : setTimeout(run, delayMs));
    return id;
  }

  #clear(id: number): void {
    clearTimeout(this.#running.get(id));
    this.#running.delete(id);
  }
}
