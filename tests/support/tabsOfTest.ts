/** The tabs that a test has opened: also of tests that run side by side, so that each is closed with its own test. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { BrowserContext } from "@playwright/test";

const tabs = new AsyncLocalStorage<BrowserContext[]>();

/** Outside a test a tab stays open as long as its browser. */
export function noteTab(tab: BrowserContext): void {
  tabs.getStore()?.push(tab);
}

/** A page that nobody looks at any more paints and is sampled sixty times a second like any other. */
export async function closingTabs(run: () => Promise<void>): Promise<void> {
  const opened: BrowserContext[] = [];
  try {
    await tabs.run(opened, run);
  } finally {
    // Some are closed by their tests, and some with a request on hold.
    await Promise.all(opened.map((tab) => tab.close().catch(() => undefined)));
  }
}
