/** Pages come and go while a reply is written, and nobody who looks at it can tell. StrictMode is on, see builtApp.ts. */
import type { Browser, Page } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, releaseReply, uniqueAsk } from "../support/demoRequests.ts";
import { noSeams, seamsOf, watchDrivenReply, watchReply } from "../support/watchedReply.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

const patience = { timeout: 60_000, interval: 50 };
const textQueries = new Set(["messages:getTail", "chats:getChatBody"]);

/** From its next connection on, the page hears everything of its deployment but the texts of replies. */
async function withholdTexts(page: Page): Promise<void> {
  await page.routeWebSocket(/\/sync/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((sent) => {
      const message = JSON.parse(String(sent)) as {
        type: string;
        modifications?: { type: string; udfPath?: string }[];
      };
      if (message.modifications !== undefined) {
        message.modifications = message.modifications.filter(
          ({ udfPath }) => !textQueries.has(udfPath ?? ""),
        );
      }
      server.send(JSON.stringify(message));
    });
  });
}

/** So that a long reply scrolls. */
const lowScreen = { width: 900, height: 420 };

test.concurrent.each([
  ["in the silence before the first token", 0],
  ["in the middle", 200],
  ["after the last token, before the end", 320],
])("no seam when the page is reloaded %s", async (_when, holdAfter) => {
  const reply = await watchReply(browser, stack, `text=plain tokens=320 rate=60 holdAfter=${holdAfter}`);
  const { driver, spectator } = reply;
  const tabs = [driver, spectator];
  for (const tab of tabs) {
    await (holdAfter === 0 ? tab.seesSilence() : tab.seesWords("Writing…"));
    if (holdAfter > 0) await tab.sees(300);
    await tab.page.reload();
    await (holdAfter === 0 ? tab.seesSilence() : tab.seesWords("Writing…"));
  }
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply)).toEqual(noSeams);
  expect(driver.posts).toHaveLength(1);
});

test.concurrent("a reloaded driver shows what it showed before the database has told it a word of the text", async () => {
  const reply = await watchDrivenReply(browser, stack, "text=plain tokens=320 rate=60 holdAfter=201");
  const { driver, streamId, ask } = reply;
  await vi.waitUntil(async () => (await demoRequests(stack.demoUrl, ask))[0]?.state === "onHold", patience);
  const before = (await driver.replyText.textContent()) ?? "";
  expect(before.length).toBeGreaterThan(300);
  // What a driver showed is ahead of the database: here by all of it, for nothing of the text is read.
  await withholdTexts(driver.page);
  await driver.page.reload();
  await driver.sees(before.length);
  const seen = await driver.seen(streamId);
  const afterReload = seen.filter(({ load }) => load === seen.at(-1)?.load && load !== seen[0]?.load);
  const texts = afterReload.map(({ shown }) => shown?.text ?? "");
  expect(texts.filter((text) => text !== "" && !text.startsWith(before))).toEqual([]);
  expect(texts.at(-1)).toContain(before);
  await releaseReply(stack.demoUrl, ask);
  await reply.spectator.seesStatus("complete");
});

test.concurrent("no seam when the tab goes to another chat and back, by the history and by the list", async () => {
  const driver = await ChatPage.open(browser, stack);
  await driver.send(uniqueAsk("meadows", "text=plain tokens=20 rate=0"));
  await driver.seesStatus("complete");
  const otherPath = driver.path;
  await driver.page.getByTestId("new-chat").click();
  const reply = await watchReply(browser, stack, "text=plain tokens=320 rate=60 holdAfter=200", driver);
  const { page, path } = driver;
  const isAt = (wanted: string) => page.waitForFunction((to) => location.pathname === to, wanted);
  await driver.sees(300);
  await page.goBack();
  await isAt(otherPath);
  await page.goForward();
  await isAt(path);
  await driver.sees(300);
  await page.locator(`a[href="${otherPath}"]`).click();
  await isAt(otherPath);
  await driver.seesStatus("complete");
  await page.locator(`a[href="${path}"]`).click();
  await driver.sees(300);
  await page.getByTestId("new-chat").click();
  await isAt("/");
  await page.goBack();
  await driver.sees(300);
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply, { mayLeave: true })).toEqual(noSeams);
  expect(driver.posts).toHaveLength(2);
});

test.concurrent("no seam when the tab goes to another site and comes back", async () => {
  const reply = await watchReply(browser, stack, "text=plain tokens=320 rate=60 holdAfter=200");
  const { driver, ask } = reply;
  await driver.sees(300);
  await driver.page.goto(`${stack.demoUrl}/control/requests`);
  await driver.page.goBack();
  await driver.sees(300);
  await releaseReply(stack.demoUrl, ask);
  expect(await seamsOf(reply)).toEqual(noSeams);
  expect(driver.posts).toHaveLength(1);
});

test.concurrent("no seam in code, lists and tables when the driver's page is reloaded in the middle of them", async () => {
  const reply = await watchReply(browser, stack, "tokens=500 rate=80 holdAfter=250");
  const { driver } = reply;
  await driver.sees(400);
  await driver.page.reload();
  await driver.sees(400);
  await releaseReply(stack.demoUrl, reply.ask);
  expect(await seamsOf(reply, { text: "markdown" })).toEqual(noSeams);
});

test.concurrent("the mark of a reply that is being written takes no room, so that none is missing when it ends", async () => {
  const { driver, ask } = await watchReply(browser, stack, "text=plain tokens=14 rate=0 holdAfter=13");
  await driver.sees(30);
  const heightAt = async (width: number, isWriting: boolean) => {
    await driver.page.setViewportSize({ ...lowScreen, width });
    return driver.replyText.evaluate((text: HTMLElement, writing) => {
      text.dataset["writing"] = String(writing);
      return text.offsetHeight;
    }, isWriting);
  };
  // Somewhere here each line is just full.
  for (let width = 640; width > 320; width -= 8) {
    expect(await heightAt(width, false), `${width} pixels wide`).toBe(await heightAt(width, true));
  }
  await releaseReply(stack.demoUrl, ask);
});

test.concurrent("no seam and no jump when the renderer of a reloaded page comes late", async () => {
  const reply = await watchReply(browser, stack, "tokens=500 rate=80 holdAfter=250");
  const { driver } = reply;
  await driver.page.setViewportSize(lowScreen);
  await driver.sees(400);
  const renderer = Promise.withResolvers<void>();
  await driver.page.route("**/StreamedMarkdown*.js", async (route) => {
    await renderer.promise;
    await route.continue();
  });
  await driver.page.reload();
  await driver.seesWords("Writing…");
  await releaseReply(stack.demoUrl, reply.ask);
  renderer.resolve();
  expect(await seamsOf(reply, { text: "markdown" })).toEqual(noSeams);
});

test.concurrent("no seam, no jump and no error in a reply of 300 tokens a second over three tabs", async () => {
  const reply = await watchReply(browser, stack, "text=plain tokens=2400 rate=300 holdAfter=900");
  const { driver, spectator, ask } = reply;
  await driver.page.setViewportSize(lowScreen);
  await spectator.page.setViewportSize(lowScreen);
  await driver.sees(3_000);
  const third = await ChatPage.open(browser, stack, driver.path);
  await third.sees(3_000);
  await releaseReply(stack.demoUrl, ask);
  await driver.sees(6_000);
  await driver.page.reload();
  expect(await seamsOf(reply)).toEqual(noSeams);
  await third.seesStatus("complete");
  expect(await third.replyText.textContent()).toBe(await driver.replyText.textContent());
});
