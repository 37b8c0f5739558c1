/** Networks fail and devices sleep while a reply is written, and nobody who looks at it can tell. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { cutConnections, muteConnections } from "../support/cuttingProxy.ts";
import { releaseReply, replyIsSent } from "../support/demoRequests.ts";
import { noSeams, seamsOf, watchDrivenReply, type WatchedReply } from "../support/watchedReply.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

/** A good part is on the page of both; a good part is still to come, for the model waits with it. */
async function halfReply(): Promise<WatchedReply> {
  const reply = await watchDrivenReply(browser, stack, "text=plain tokens=320 rate=60 holdAfter=200");
  await Promise.all([reply.driver.sees(300), reply.spectator.sees(300)]);
  return reply;
}

/** As the system does with a page in a tab that nobody has looked at for long, or on a device that sleeps. */
async function setLifecycle({ page }: ChatPage, state: "frozen" | "active"): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state });
  await session.detach();
}

test.concurrent("no seam when the driver's connection is cut by the network", async () => {
  const reply = await halfReply();
  const { browserId } = reply.driver;
  expect(await cutConnections(stack.proxyControlUrl, "POST /chat-stream", browserId)).toBe(1);
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply)).toEqual(noSeams);
});

test.concurrent("no seam when nothing comes any more over the driver's connection, and nobody closes it", async () => {
  const reply = await halfReply();
  const posts = await muteConnections(stack.proxyControlUrl, "POST /chat-stream", reply.driver.browserId);
  expect(posts).toBe(1);
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply)).toEqual(noSeams);
});

test.concurrent("no seam when both browsers are offline while the reply ends, and come back", async () => {
  const reply = await halfReply();
  for (const { page, browserId } of [reply.driver, reply.spectator]) {
    await page.context().setOffline(true);
    // Going offline only keeps new connections from opening; the live ones are cut here.
    expect(await cutConnections(stack.proxyControlUrl, browserId)).toBeGreaterThanOrEqual(1);
  }
  await releaseReply(stack.demoUrl, reply.ask);
  await replyIsSent(stack.demoUrl, reply.ask);
  for (const { page } of [reply.driver, reply.spectator]) await page.context().setOffline(false);
  expect(await seamsOf(reply)).toEqual(noSeams);
});

test.concurrent("no seam when both pages are frozen while the reply ends, and wake", async () => {
  const reply = await halfReply();
  const tabs = [reply.driver, reply.spectator];
  for (const tab of tabs) await setLifecycle(tab, "frozen");
  await releaseReply(stack.demoUrl, reply.ask);
  await replyIsSent(stack.demoUrl, reply.ask);
  for (const tab of tabs) await setLifecycle(tab, "active");
  expect(await seamsOf(reply)).toEqual(noSeams);
});

test.concurrent("no seam when the connections of a frozen page die, and it wakes in the middle of the reply", async () => {
  const reply = await halfReply();
  const tabs = [reply.driver, reply.spectator];
  for (const tab of tabs) {
    await setLifecycle(tab, "frozen");
    expect(await cutConnections(stack.proxyControlUrl, tab.browserId)).toBeGreaterThanOrEqual(1);
    await setLifecycle(tab, "active");
  }
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply)).toEqual(noSeams);
});

test.concurrent("no seam when a page comes out of the back-forward cache", async () => {
  const reply = await halfReply();
  const { driver } = reply;
  // This Chromium has no such cache; what one does to a page is done here by hand: frozen, without its connections, and
  // told on its return.
  await setLifecycle(driver, "frozen");
  await cutConnections(stack.proxyControlUrl, driver.browserId);
  await setLifecycle(driver, "active");
  await driver.page.evaluate(() => {
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply)).toEqual(noSeams);
});
