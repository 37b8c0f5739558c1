/** The main path in a real browser: send, see it stream, see it elsewhere. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, releaseReply, uniqueAsk } from "../support/demoRequests.ts";
import { intermediateTexts, seams } from "../support/seams.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

test.concurrent("a reply streams to the tab that asked while a second browser sees it grow, after one POST", async () => {
  // The model waits before each step until the spectator has seen the last one: nothing depends on who is how fast.
  const steps = 6;
  const ask = uniqueAsk("glaciers", `text=plain tokens=${(steps + 1) * 40} rate=40 holdEvery=40`);
  const driver = await ChatPage.open(browser, stack);
  await driver.send(ask);
  const streamId = await driver.streamId();
  const spectator = await ChatPage.open(browser, stack, driver.path);
  let seenLength = 0;
  for (let step = 0; step < steps; step += 1) {
    await spectator.sees(seenLength + 1);
    seenLength = await spectator.shownLength();
    await releaseReply(stack.demoUrl, ask);
  }
  await Promise.all([driver.seesStatus("complete"), spectator.seesStatus("complete")]);

  const requests = await demoRequests(stack.demoUrl, ask);
  expect(requests).toHaveLength(1);
  const whole = requests[0]?.wholeText ?? "";
  const [driverSaw, spectatorSaw] = [await driver.seen(streamId), await spectator.seen(streamId)];
  expect(seams(driverSaw, whole)).toEqual([]);
  expect(seams(spectatorSaw, whole)).toEqual([]);
  expect(intermediateTexts(driverSaw, whole)).toBeGreaterThanOrEqual(20);
  expect(intermediateTexts(spectatorSaw, whole)).toBeGreaterThanOrEqual(5);
  expect(driver.posts).toHaveLength(1);
  expect(spectator.posts).toHaveLength(0);
});

test.concurrent("the second turn's request carries the first turn", async () => {
  const tab = await ChatPage.open(browser, stack);
  const first = uniqueAsk("harbours", "text=plain tokens=30 rate=0");
  await tab.send(first);
  await tab.seesStatus("complete");
  const firstReply = (await demoRequests(stack.demoUrl, first))[0]?.wholeText;
  const second = uniqueAsk("What did I say first?");
  await tab.send(second);
  await tab.seesStatus("complete", 2);

  const [request] = await demoRequests(stack.demoUrl, second);
  expect(request?.messages).toEqual([
    { role: "user", text: first },
    { role: "assistant", text: firstReply },
    { role: "user", text: second },
  ]);
  expect(await tab.replyText.textContent()).toContain("harbours");
});

test.concurrent.each([
  ["401", /check the provider's api key/i],
  ["429", /slow down/i],
  ["500", /server had an error|busy/i],
  ["context", /chat is too long/i],
])("a provider that answers %s shows an error a person understands", async (refuse, sentence) => {
  const tab = await ChatPage.open(browser, stack);
  await tab.send(uniqueAsk("storms", `refuse=${refuse}`));
  await tab.seesStatus("failed");
  await tab.reply.filter({ hasText: sentence }).waitFor();
  const shown = await tab.reply.innerText();
  expect(shown).not.toMatch(/\[object|undefined|stack|Error:|\{"/);
});

test.concurrent("a reply that breaks off in the middle keeps its text and says what happened", async () => {
  const ask = uniqueAsk("rivers", "text=plain tokens=100 errorAfter=60 rate=100");
  const tab = await ChatPage.open(browser, stack);
  await tab.send(ask);
  await tab.seesStatus("failed");
  const [request] = await demoRequests(stack.demoUrl, ask);
  expect(await tab.replyText.textContent()).toBe(request?.sentText);
  const spectator = await ChatPage.open(browser, stack, tab.path);
  await spectator.seesStatus("failed");
  expect(await spectator.replyText.textContent()).toBe(request?.sentText);
});
