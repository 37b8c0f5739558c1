/** Doors at which the code under test waits until the test opens them, so that no test has to sleep. */
export class Gates {
  readonly #reached = new Map<string, PromiseWithResolvers<unknown>>();
  readonly #opened = new Map<string, PromiseWithResolvers<unknown>>();

  /** Called by the code under test. Resolves when the test opens the door. */
  pass(name: string, detail?: unknown): Promise<unknown> {
    entry(this.#reached, name).resolve(detail);
    return entry(this.#opened, name).promise;
  }

  /** Resolves, with what was handed over, when somebody has come to the door. */
  reached(name: string): Promise<unknown> {
    return entry(this.#reached, name).promise;
  }

  open(name: string, value?: unknown): void {
    entry(this.#opened, name).resolve(value);
  }
}

function entry(map: Map<string, PromiseWithResolvers<unknown>>, name: string): PromiseWithResolvers<unknown> {
  const known = map.get(name);
  if (known) return known;
  const made = Promise.withResolvers<unknown>();
  map.set(name, made);
  return made;
}
