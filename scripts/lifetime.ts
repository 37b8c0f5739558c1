/**
 * What has been started, and its end: everything, in reverse order, whenever that comes, also while the start is still
 * under way.
 */
type Close = () => Promise<void>;

export class Lifetime {
  readonly #closers: Close[] = [];
  #ending: Promise<void> | null = null;

  get isEnding(): boolean {
    return this.#ending !== null;
  }

  /** Takes over the duty to close. What is owned after the end has begun is closed at once. */
  own(close: Close): void {
    this.#closers.push(close);
    if (this.#ending !== null) this.#ending = this.#ending.then(() => this.#closeAll());
  }

  /** Resolves when everything is closed. A second call waits for the same end. */
  async end(): Promise<void> {
    this.#ending ??= this.#closeAll();
    // Something may be owned, and so the end made longer, while it is waited for.
    for (let awaited: Promise<void> | null = null; awaited !== this.#ending;) {
      awaited = this.#ending;
      await awaited;
    }
  }

  async #closeAll(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}
