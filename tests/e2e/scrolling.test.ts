/** A reader who scrolled up in a long chat, in a browser that lays out for real. */
import type { Browser, Page } from "@playwright/test";
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { releaseReply, uniqueAsk } from "../support/demoRequests.ts";
import { callAsAdmin } from "../support/storedRows.ts";

const stack = inject("sharedStack");
const patience = { timeout: 60_000, interval: 50 };
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

const reply =
  "## A heading\n\nSome words. ".repeat(4) + "\n\n```ts\nconst one = 1;\nconst two = 2;\n```\n\nThe end.";

/** A chat of so many turns, none of which asked a model. */
async function seededChat(turns: number): Promise<string> {
  const client = new ConvexHttpClient(stack.deploymentUrl);
  let turn = await client.mutation(api.chats.createChat, { prompt: uniqueAsk("scrolling") });
  for (let index = 0; index < turns; index += 1) {
    const token = `seed-${turn.streamId}`;
    const end = { status: "complete", finishReason: "stop", usage: null, costUsd: null };
    await callAsAdmin(stack, "mutation", "runs:claim", { streamId: turn.streamId, token, by: "server" });
    await callAsAdmin(stack, "mutation", "runs:append", { token, from: 0, text: reply });
    await callAsAdmin(stack, "mutation", "runs:finish", { token, text: reply, ...end });
    if (index === turns - 1) break;
    const request = { chatId: turn.chatId, text: `Turn ${index}`, clientRequestId: token };
    turn = await client.mutation(api.messages.send, request);
  }
  return turn.chatId;
}

/** Where the first message that begins inside the view stands, and which it is. */
async function placeOfReader(page: Page): Promise<{ index: number; top: number }> {
  return await page.evaluate(() => {
    const messages = [...document.querySelectorAll("[data-testid=message]")];
    const index = messages.findIndex((message) => message.getBoundingClientRect().top >= 60);
    return { index, top: messages[index]?.getBoundingClientRect().top ?? Number.NaN };
  });
}

async function topOfNewest(page: Page, fromEnd: number): Promise<number> {
  return await page.evaluate((place) => {
    const messages = [...document.querySelectorAll("[data-testid=message]")];
    return messages.at(-place)?.getBoundingClientRect().top ?? Number.NaN;
  }, fromEnd);
}

async function fromEnd(page: Page): Promise<number> {
  return await page.getByTestId("conversation").evaluate((scroller) => {
    return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
  });
}

test.concurrent("a reader who scrolled up stays where they are, to the pixel, whatever grows below or above", async () => {
  const chatId = await seededChat(30);
  const ask = uniqueAsk("glaciers", "tokens=400 rate=0 holdEvery=100");
  const tab = await ChatPage.open(browser, stack, `/c/${chatId}`);
  const { page } = tab;
  await tab.seesStatus("complete");
  await tab.send(ask);
  await tab.sees(200);
  await vi.waitUntil(async () => (await fromEnd(page)) <= 2, patience);

  await page.getByTestId("conversation").hover();
  await page.mouse.wheel(0, -900);
  await page.getByTestId("jump-to-latest").waitFor();
  // Far rows are made while the page is idle, some of them above the reader.
  await page.waitForFunction(() => document.querySelector("[data-made=false]") === null);
  const { index, top } = await placeOfReader(page);
  const count = await page.locator("[data-testid=message]").count();
  const place = count - index;

  const shown = await tab.shownLength();
  await releaseReply(stack.demoUrl, ask);
  await tab.sees(shown + 100);
  expect(await topOfNewest(page, place)).toBeCloseTo(top, 0);
  // What arrives late above the reader, in the row before.
  await page.evaluate((before) => {
    const picture = document.createElement("div");
    picture.style.height = "333px";
    [...document.querySelectorAll("[data-testid=message]")].at(-before - 1)?.prepend(picture);
  }, place);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  expect(await topOfNewest(page, place)).toBeCloseTo(top, 0);

  await page.getByTestId("jump-to-latest").click();
  await releaseReply(stack.demoUrl, ask);
  await releaseReply(stack.demoUrl, ask);
  await tab.seesStatus("complete", 31);
  await vi.waitUntil(async () => (await fromEnd(page)) <= 2, patience);
  await tab.close();
});

test.concurrent("a long chat opens at its end, and can be read to its beginning", async () => {
  const chatId = await seededChat(40);
  const tab = await ChatPage.open(browser, stack, `/c/${chatId}`);
  const { page } = tab;
  await tab.seesStatus("complete");
  await vi.waitUntil(async () => (await fromEnd(page)) <= 2, patience);
  await page.getByTestId("conversation").hover();
  await page.waitForFunction(() => {
    const scroller = document.querySelector("[data-testid=conversation]");
    scroller?.scrollBy(0, -2_000);
    return scroller?.scrollTop === 0 && document.querySelector("[data-made=false]") === null;
  });
  const replies = page.locator("[data-role=assistant] [data-testid=message-text]");
  await vi.waitUntil(async () => (await replies.count()) === 40, patience);
  expect(new Set(await replies.allTextContents()).size).toBe(1);
  await tab.close();
});

test.concurrent("on a phone an empty chat shows its top, only the conversation scrolls, and a long title takes no room from the buttons", async () => {
  const tab = await ChatPage.open(browser, stack);
  const { page } = tab;
  await page.setViewportSize({ width: 360, height: 560 });
  await page.reload();
  const conversation = page.getByTestId("conversation");
  await page.getByRole("heading", { name: "What shall we work on?" }).waitFor();
  expect(await fromEnd(page)).toBeGreaterThan(0);
  expect(await conversation.evaluate(({ scrollTop }) => scrollTop)).toBe(0);

  await tab.send(uniqueAsk("the places where rivers with long names begin and end", "tokens=300 rate=0"));
  await tab.seesStatus("complete");
  await vi.waitUntil(async () => (await fromEnd(page)) <= 2, patience);
  // What is cut off all the same may be moved by the browser, to show what has the focus.
  const frame = page.locator("#page").locator("..");
  expect(await frame.evaluate((element) => element.scrollHeight - element.clientHeight)).toBe(0);
  const menu = await page.getByTestId("open-drawer").boundingBox();
  expect(menu?.width).toBe(menu?.height);
  await tab.close();
});
