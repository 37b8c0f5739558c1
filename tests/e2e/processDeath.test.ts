/** The deployment restarts in mid-reply: asked to end, or killed with no chance to say so. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { seenPhases } from "../support/seams.ts";
import { startStack, type Stack } from "../support/stack.ts";
import { noSeams, seamsOf, watchReply } from "../support/watchedReply.ts";

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(inject("appFolder")), launchBrowser(inject("browser"))]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

test.each(["SIGKILL", "SIGTERM"] as const)(
  "after %s and a restart the reply is taken up before the eyes of driver and spectator, without a seam",
  async (signal) => {
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
