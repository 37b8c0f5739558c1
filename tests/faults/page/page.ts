/**
 * A page of the app in a browser without a screen. Each page has instances of its own of the product's modules and
 * browser globals of its own; those of a page that is gone never answer, as those of a dead page do not.
 */
import { setImmediate as nodeSetImmediate } from "node:timers";
import { build } from "esbuild";
import type * as AppPage from "./appPage.ts";
import type { BrowserTab, PageStorage } from "./browserTab.ts";

type Globals = Record<string, unknown>;

let bundled: Promise<string> | undefined;

/** The app's modules as the body of a function that returns them. */
async function appCode(): Promise<string> {
  const entry = new URL("appPage.ts", import.meta.url).pathname;
  const options = {
    bundle: true,
    write: false,
    format: "iife",
    globalName: "app",
    platform: "browser",
  } as const;
  const define = { "import.meta.env": "{}" };
  const { outputFiles } = await build({
    ...options,
    entryPoints: [entry],
    define,
  });
  return `${outputFiles[0]!.text}\nreturn app;`;
}

export class Page {
  readonly app: typeof AppPage;
  private readonly window = new EventTarget();
  private readonly leaving = new AbortController();

  static async open(tab: BrowserTab, siteUrl: string, fetchOf: typeof fetch): Promise<Page> {
    bundled ??= appCode();
    return new Page(await bundled, tab, siteUrl, fetchOf);
  }

  private constructor(code: string, tab: BrowserTab, siteUrl: string, fetchOf: typeof fetch) {
    const globals = this.globals(tab, siteUrl, fetchOf);
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the only way to give a module other globals.
    const run = new Function(...Object.keys(globals), code) as (...values: unknown[]) => typeof AppPage;
    this.app = run(...Object.values(globals));
    this.app.keepTextsAcrossReloads();
  }

  /** The page's own last words, and then nothing more of it. */
  leave(): void {
    this.window.dispatchEvent(new Event("pagehide"));
    this.leaving.abort();
  }

  /** Answers to a page that is gone are heard by nobody. */
  async whileOpen<Value>(answer: Promise<Value>): Promise<Value> {
    const { signal } = this.leaving;
    return await new Promise((resolve, reject) => {
      answer.then(
        (value) => {
          if (!signal.aborted) resolve(value);
        },
        (error: unknown) => {
          if (!signal.aborted) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  private globals(tab: BrowserTab, siteUrl: string, fetchOf: typeof fetch): Globals {
    const { signal } = this.leaving;
    const document = Object.assign(new EventTarget(), {
      visibilityState: "visible",
    });
    const whileHere = (work: () => void) => () => {
      if (!signal.aborted) work();
    };
    return {
      window: this.window,
      document,
      location: { href: siteUrl },
      localStorage: tab.localStorage.forPage(signal) satisfies PageStorage,
      sessionStorage: tab.sessionStorage.forPage(signal) satisfies PageStorage,
      navigator: { onLine: true, locks: tab.locksFor(signal) },
      fetch: (input: string, init: RequestInit) =>
        this.whileOpen(
          fetchOf(input, {
            ...init,
            signal: AbortSignal.any([signal, ...(init.signal ? [init.signal] : [])]),
          }),
        ),
      setTimeout: (work: () => void, afterMs: number) => setTimeout(whileHere(work), afterMs),
      requestAnimationFrame: (work: () => void) => nodeSetImmediate(whileHere(work)),
      cancelAnimationFrame: clearImmediate,
    };
  }
}
