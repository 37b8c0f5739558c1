/** What a browser keeps for a tab from page to page: its storage and its locks. */

/** Storage as the app uses it: by methods, and by its own keys. */
export type PageStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

class KeptStorage {
  private readonly values = new Map<string, string>();

  /** What a page that is gone would still write is written by nobody. */
  forPage(gone: AbortSignal): PageStorage {
    const { values } = this;
    const methods: PageStorage = {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => {
        if (!gone.aborted) values.set(key, value);
      },
      removeItem: (key) => {
        if (!gone.aborted) values.delete(key);
      },
    };
    return new Proxy(methods, {
      ownKeys: () => [...values.keys()],
      getOwnPropertyDescriptor: (_, key) =>
        typeof key === "string" && values.has(key)
          ? { value: values.get(key), enumerable: true, configurable: true }
          : undefined,
    });
  }
}

export class BrowserTab {
  readonly localStorage = new KeptStorage();
  readonly sessionStorage = new KeptStorage();
  /** Settles when the last one who asked for a lock has let go of it. */
  private readonly lastHolders = new Map<string, Promise<unknown>>();

  /** Locks of one page, which lets go of them when it is gone. */
  locksFor(gone: AbortSignal): {
    request: (name: string, work: () => Promise<unknown>) => Promise<unknown>;
  } {
    const left = new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
    return {
      request: async (name, work) => {
        const before = this.lastHolders.get(name) ?? Promise.resolve();
        const held = before.then(() => (gone.aborted ? undefined : work()));
        this.lastHolders.set(name, Promise.race([held.catch(() => undefined), left]));
        return await held;
      },
    };
  }
}
