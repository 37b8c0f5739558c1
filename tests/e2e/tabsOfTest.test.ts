/** Tabs end with the tests that opened them, also where these run side by side. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";

let browser: Browser;
const opened: ChatPage[] = [];

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

test.concurrent.each(["one", "another"])("the tab of %s test is open as long as the test runs", async () => {
  const tab = await ChatPage.open(browser, inject("sharedStack"));
  opened.push(tab);
  await expect.poll(() => opened.length, { timeout: 60_000 }).toBe(2);
  expect(tab.page.isClosed()).toBe(false);
});

test("both are closed when their tests are over", () => {
  expect(opened.map(({ page }) => page.isClosed())).toEqual([true, true]);
});
