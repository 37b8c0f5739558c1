/** The tab that asked is gone: the reply completes all the same. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, releaseReply, uniqueAsk } from "../support/demoRequests.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

test.concurrent("the tab is closed in mid-reply", async () => {
  const ask = uniqueAsk("comets", "text=plain tokens=200 rate=60 holdAfter=100");
  const driver = await ChatPage.open(browser, stack);
  await driver.send(ask);
  await driver.sees(150);
  const { path } = driver;
  await driver.close();
  await releaseReply(stack.demoUrl, ask);

  const later = await ChatPage.open(browser, stack, path);
  await later.seesStatus("complete");
  const requests = await demoRequests(stack.demoUrl, ask);
  expect(requests.map(({ state }) => state)).toEqual(["finished"]);
  expect(await later.replyText.textContent()).toBe(requests[0]?.wholeText);
  expect(later.posts).toHaveLength(0);
});

test.concurrent("the tab is closed between its message and its POST", async () => {
  const ask = uniqueAsk("eclipses", "text=plain tokens=60 rate=0");
  const driver = await ChatPage.open(browser, stack);
  const { promise: postIsDue, resolve } = Promise.withResolvers<void>();
  // The POST is never let out of the browser.
  await driver.page.route("**/chat-stream", () => resolve());
  await driver.send(ask);
  await postIsDue;
  await driver.streamId();
  const { path } = driver;
  await driver.close();
  expect(await demoRequests(stack.demoUrl, ask)).toEqual([]);

  const later = await ChatPage.open(browser, stack, path);
  await later.seesStatus("complete");
  const requests = await demoRequests(stack.demoUrl, ask);
  expect(requests).toHaveLength(1);
  expect(await later.replyText.textContent()).toBe(requests[0]?.wholeText);
});
