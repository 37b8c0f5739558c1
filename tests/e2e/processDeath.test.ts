/** The deployment's process dies in mid-reply, with no chance to say so. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { startStack, type Stack } from "../support/stack.ts";
import { seams, seenTexts } from "../support/textSampler.ts";

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(inject("appFolder")), launchBrowser(inject("browser"))]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

test("after SIGKILL and a restart the reply is taken up and completes, and everything older is there", async () => {
  const { addresses } = stack;
  const olderAsk = uniqueAsk("meadows", "text=plain tokens=40 rate=0");
  const olderTab = await ChatPage.open(browser, addresses);
  await olderTab.send(olderAsk);
  await olderTab.seesStatus("complete");
  const olderPath = olderTab.path;

  const ask = uniqueAsk("volcanoes", "text=plain tokens=300 rate=60 stallAfter=200");
  const driver = await ChatPage.open(browser, addresses);
  await driver.send(ask);
  const streamId = await driver.streamId();
  await driver.sees(400);
  await stack.killDeployment();
  await stack.restartDeployment();
  await driver.seesStatus("complete");

  const requests = await demoRequests(addresses.demoUrl, ask);
  expect(requests.map(({ state, isContinuation }) => ({ state, isContinuation }))).toEqual([
    { state: "clientGone", isContinuation: false },
    { state: "finished", isContinuation: true },
  ]);
  expect(seams(await seenTexts(driver.page, streamId), requests[0]?.wholeText ?? "")).toEqual([]);

  const elsewhere = await ChatPage.open(browser, addresses, driver.path);
  await elsewhere.seesStatus("complete");
  expect(await elsewhere.replyText.textContent()).toBe(requests[0]?.wholeText);
  await elsewhere.page.goto(olderPath);
  await elsewhere.seesStatus("complete");
  const [older] = await demoRequests(addresses.demoUrl, olderAsk);
  expect(await elsewhere.replyText.textContent()).toBe(older?.wholeText);
});
