/**
 * The deployment restarts in mid-reply: asked to end, or killed with no chance to say so. All at the same time, each on
 * a stack of its own: most of it is waiting for leases to end.
 */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { seenPhases } from "../support/seams.ts";
import { startStack } from "../support/stack.ts";
import { noSeams, seamsOf, watchReply } from "../support/watchedReply.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

test.concurrent("a reply that died twice is interrupted and continued by hand, to the last character", async ({
  onTestFinished,
}) => {
  const stack = await startStack(inject("appFolder"), { preparedFolder: inject("preparedData") });
  onTestFinished(() => stack.close());
  const { addresses } = stack;
  const ask = uniqueAsk("volcanoes", "text=plain tokens=300 rate=0 holdAfter=60 failTimes=2");
  const tab = await ChatPage.open(browser, addresses);
  await tab.send(ask);
  await tab.streamId();
  // What a spectator sees is persisted: there is something to go on from.
  const spectator = await ChatPage.open(browser, addresses, tab.path);
  await spectator.sees(150);
  await spectator.close();
  for (const attempt of [1, 2]) {
    const states = async () => (await demoRequests(addresses.demoUrl, ask)).map(({ state }) => state);
    await expect
      .poll(async () => (await states()).slice(attempt - 1), { timeout: 60_000 })
      .toEqual(["onHold"]);
    await stack.killDeployment();
    await stack.restartDeployment();
  }
  await tab.seesStatus("interrupted");
  const interrupted = (await tab.replyText.textContent()) ?? "";
  await tab.page.getByTestId("continue").click();
  await tab.seesStatus("complete");
  const requests = await demoRequests(addresses.demoUrl, ask);
  const whole = requests[0]?.wholeText ?? "";
  expect(withoutSpace(interrupted + (requests.at(-1)?.sentText ?? ""))).toBe(withoutSpace(whole));
  const replies = tab.page.locator("[data-testid=message][data-role=assistant]");
  expect(await replies.getByTestId("message-text").allTextContents()).toEqual([whole]);
});

/** The page shows no space at the end of a text. */
function withoutSpace(text: string): string {
  return text.replace(/\s+/g, "");
}

test.concurrent.for(["SIGKILL", "SIGTERM"] as const)(
  "after %s and a restart the reply is taken up before the eyes of driver and spectator, without a seam",
  async (signal, { onTestFinished }) => {
    const stack = await startStack(inject("appFolder"), { preparedFolder: inject("preparedData") });
    onTestFinished(() => stack.close());
    const { addresses } = stack;
    const olderAsk = uniqueAsk("meadows", "text=plain tokens=40 rate=0");
    const olderTab = await ChatPage.open(browser, addresses);
    await olderTab.send(olderAsk);
    await olderTab.seesStatus("complete");

    const reply = await watchReply(browser, addresses, "text=plain tokens=300 rate=60 stallAfter=200");
    const { driver, spectator, ask, streamId } = reply;
    await Promise.all([driver.sees(400), spectator.sees(400)]);
    await (signal === "SIGKILL" ? stack.killDeployment() : stack.stopDeployment());
    await stack.restartDeployment();
    expect(await seamsOf(reply)).toEqual(noSeams);

    const requests = await demoRequests(addresses.demoUrl, ask);
    expect(requests.map(({ state, isContinuation }) => ({ state, isContinuation }))).toEqual([
      { state: "clientGone", isContinuation: false },
      { state: "finished", isContinuation: true },
    ]);
    // What they read stays, with words that say what is going on; how long it takes to notice is the busy machine's.
    const phases = seenPhases(await driver.seen(streamId), { without: "reconnecting" });
    expect(phases.slice(phases.indexOf("writing"))).toEqual(["writing", "recovering", "writing", "complete"]);

    const elsewhere = await ChatPage.open(browser, addresses, olderTab.path);
    await elsewhere.seesStatus("complete");
    const [older] = await demoRequests(addresses.demoUrl, olderAsk);
    expect(await elsewhere.replyText.textContent()).toBe(older?.wholeText);
  },
);
