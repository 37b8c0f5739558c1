/** Stop, from whichever tab and at whatever moment: it reaches the model, and what was shown stays. */
import type { Browser } from "@playwright/test";
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { seams } from "../support/seams.ts";
import { watchReply } from "../support/watchedReply.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

/** The model's connection to the deployment was closed, and from the deployment's side. */
async function modelWasLeft(ask: string): Promise<void> {
  await vi.waitUntil(
    async () => (await demoRequests(stack.demoUrl, ask)).every(({ endedAtMs }) => endedAtMs !== null),
    { timeout: 60_000, interval: 50 },
  );
}

test.concurrent.each([
  { when: "while it writes", by: "driver", directives: "tokens=900 rate=30", shown: 100 },
  { when: "while it writes", by: "spectator", directives: "tokens=900 rate=30", shown: 100 },
  { when: "in its silence", by: "driver", directives: "tokens=300 rate=60 stallAfter=60", shown: 250 },
  { when: "in its silence", by: "spectator", directives: "tokens=300 rate=60 stallAfter=60", shown: 250 },
  { when: "before its first token", by: "driver", directives: "tokens=300 stallAfter=0", shown: 0 },
  { when: "before its first token", by: "spectator", directives: "tokens=300 stallAfter=0", shown: 0 },
] as const)(
  "a reply that is stopped by the $by $when is left by the deployment, and both tabs keep what was sent",
  async ({ by, directives, shown }) => {
    const reply = await watchReply(browser, stack, `text=plain ${directives}`);
    const { driver, spectator, ask, streamId } = reply;
    if (shown === 0) await Promise.all([driver.seesSilence(), spectator.seesSilence()]);
    else await Promise.all([driver.sees(shown), spectator.sees(shown)]);
    await reply[by].stop();
    await Promise.all([driver.seesStatus("stopped"), spectator.seesStatus("stopped")]);
    await modelWasLeft(ask);

    const requests = await demoRequests(stack.demoUrl, ask);
    expect(requests.map(({ state }) => state)).toEqual(["clientGone"]);
    const kept = (await driver.replyText.textContent()) ?? "";
    // Of what was sent last, the end may have been on its way; of what was sent before a silence, all has come.
    const sent = requests[0]?.sentText ?? "";
    expect(kept).toBe(directives.includes("stallAfter") ? sent : sent.slice(0, kept.length));
    for (const tab of [driver, spectator]) {
      expect(seams(await tab.seen(streamId), kept)).toEqual([]);
      await tab.seesWords("Stopped");
      await tab.page.getByTestId("send").waitFor();
    }
  },
);

test.concurrent("a reply that is stopped in the queue ends at once, and the model is never asked", async () => {
  const ask = uniqueAsk("owls", "text=plain tokens=40");
  const [tab, other] = await Promise.all([ChatPage.open(browser, stack), ChatPage.open(browser, stack)]);
  // Asked for by nobody who would drive it: it waits some seconds for its driver.
  const { chatId } = await new ConvexHttpClient(stack.deploymentUrl).mutation(api.chats.createChat, {
    prompt: ask,
  });
  await tab.page.locator(`a[href="/c/${chatId}"]`).click();
  await tab.seesWords(/^(?:In the queue|Waiting for the model)…$/);
  await other.page.locator(`a[href="/c/${chatId}"]`).click();
  await tab.stop();
  await Promise.all([tab.seesWords("Stopped"), other.seesWords("Stopped")]);
  expect(await demoRequests(stack.demoUrl, ask)).toEqual([]);
});
