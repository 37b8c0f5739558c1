/** What a driver's tab goes through in mid-reply, and that nobody who looks at it can tell. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { cutConnections } from "../support/cuttingProxy.ts";
import { demoRequests, releaseReply, replyIsSent, uniqueAsk } from "../support/demoRequests.ts";
import { seams, seenTexts } from "../support/textSampler.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

/** Sends, interrupts when a good part is on the page; a good part is still to come, for the model waits with it. */
async function interruptReply(
  interrupt: (driver: ChatPage, reply: { ask: string; streamId: string }) => Promise<void>,
  options: { mayLeave?: boolean } = {},
): Promise<string[]> {
  const ask = uniqueAsk("tides", "text=plain tokens=320 rate=60 holdAfter=200");
  const driver = await ChatPage.open(browser, stack);
  await driver.send(ask);
  const streamId = await driver.streamId();
  await driver.sees(300);
  await interrupt(driver, { ask, streamId });
  await driver.seesStatus("complete");

  const requests = await demoRequests(stack.demoUrl, ask);
  expect(requests).toHaveLength(1);
  return seams(await seenTexts(driver.page, streamId), requests[0]?.wholeText ?? "", options);
}

test.concurrent("no seam when the driver's connection is cut by the network", async () => {
  const found = await interruptReply(async (_driver, { ask }) => {
    expect(await cutConnections(stack.proxyControlUrl, ask)).toBe(1);
    await releaseReply(stack.demoUrl, ask);
  });
  expect(found).toEqual([]);
});

test.concurrent("no seam when the browser is offline while the reply ends, and comes back", async () => {
  const found = await interruptReply(async ({ page, browserId }, { ask }) => {
    await page.context().setOffline(true);
    // Going offline only keeps new connections from opening; the live ones are cut here.
    expect(await cutConnections(stack.proxyControlUrl, browserId)).toBeGreaterThanOrEqual(2);
    await releaseReply(stack.demoUrl, ask);
    await replyIsSent(stack.demoUrl, ask);
    await page.context().setOffline(false);
  });
  expect(found).toEqual([]);
});

test.concurrent("no seam when the page is reloaded", async () => {
  const found = await interruptReply(async ({ page, replyText }, { ask }) => {
    await page.reload();
    await replyText.waitFor();
    await releaseReply(stack.demoUrl, ask);
  });
  expect(found).toEqual([]);
});

test.concurrent("no seam when the tab navigates away and back", async () => {
  const found = await interruptReply(
    async (driver, { ask }) => {
      const { path, page } = driver;
      await page.getByTestId("new-chat").click();
      await page.waitForFunction((left) => location.pathname !== left, path);
      await page.goBack();
      await driver.replyText.waitFor();
      await releaseReply(stack.demoUrl, ask);
    },
    { mayLeave: true },
  );
  expect(found).toEqual([]);
});
