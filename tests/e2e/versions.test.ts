/**
 * Other versions of replies and messages in a real browser: asked for, gone through, seen by a second browser.
 * Long, because a file has one browser, and each way to a version is gone once.
 */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, releaseReply, uniqueAsk } from "../support/demoRequests.ts";
import { seams } from "../support/seams.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

/** Settles when the newest message of this role is version `shown` of `count`. */
async function seesVersion({ page }: ChatPage, role: "user" | "assistant", shown: string): Promise<void> {
  const messages = page.locator(`[data-testid=message][data-role=${role}]`);
  await messages
    .last()
    .getByTestId("version")
    .filter({ hasText: inWords(shown) })
    .waitFor();
}

/** "2 / 3" is read aloud as well. */
function inWords(shown: string): RegExp {
  const [version, count] = shown.split(" / ");
  return new RegExp(`Version ${version} /of ${count}`);
}

async function texts({ page }: ChatPage, role: "user" | "assistant"): Promise<string[]> {
  const messages = page.locator(`[data-testid=message][data-role=${role}]`);
  return await messages.getByTestId("message-text").allTextContents();
}

/** A chat with two versions of its reply: the first was stopped in the middle, the second is complete. */
async function stoppedAndRegenerated(
  topic: string,
): Promise<{ tab: ChatPage; ask: string; stopped: string }> {
  const ask = uniqueAsk(topic, "text=plain tokens=120 rate=0 holdAfter=60 failTimes=1");
  const tab = await ChatPage.open(browser, stack);
  await tab.send(ask);
  await stopInTheMiddle(tab);
  const stopped = (await tab.replyText.textContent()) ?? "";
  await tab.page.getByTestId("regenerate").click();
  await seesVersion(tab, "assistant", "2 / 2");
  await tab.seesStatus("complete");
  return { tab, ask, stopped };
}

async function stopInTheMiddle(tab: ChatPage): Promise<void> {
  await tab.sees(150);
  await tab.page.getByTestId("stop").click();
  await tab.seesStatus("stopped");
}

test.concurrent("a reply that is regenerated stands beside the earlier one, and both are there after a reload", async () => {
  const { tab, ask, stopped } = await stoppedAndRegenerated("canals");
  const { page } = tab;
  const requests = await demoRequests(stack.demoUrl, ask);
  const whole = requests[1]?.wholeText ?? "";
  expect(requests.map(({ messages }) => messages)).toEqual([
    [{ role: "user", text: ask }],
    [{ role: "user", text: ask }],
  ]);
  expect(await texts(tab, "assistant")).toEqual([whole]);
  expect(whole.startsWith(stopped) && stopped.length < whole.length).toBe(true);

  await page.getByTestId("previous-version").click();
  await tab.seesStatus("stopped");
  expect(await texts(tab, "assistant")).toEqual([stopped]);
  await page.reload();
  await seesVersion(tab, "assistant", "1 / 2");
  await tab.seesStatus("stopped");
  expect(await texts(tab, "assistant")).toEqual([stopped]);

  await page.getByTestId("next-version").click();
  await tab.seesStatus("complete");
  expect(await texts(tab, "assistant")).toEqual([whole]);
  expect(tab.posts).toHaveLength(2);
});

test.concurrent("the keyboard goes through the versions and stays where it is", async () => {
  const { tab } = await stoppedAndRegenerated("orchards");
  const { page } = tab;
  await page.getByTestId("previous-version").focus();
  await page.keyboard.press("Enter");
  await seesVersion(tab, "assistant", "1 / 2");
  const focused = page.locator(":focus");
  expect(await focused.getAttribute("data-testid")).toBe("previous-version");
  expect(await focused.getAttribute("aria-disabled")).toBe("true");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await seesVersion(tab, "assistant", "2 / 2");
  expect(await focused.getAttribute("data-testid")).toBe("next-version");
});

test.concurrent("the buttons stay under the pointer while versions of other lengths pass", async () => {
  const tab = await ChatPage.open(browser, stack);
  const { page } = tab;
  const long = (topic: string) => uniqueAsk(topic, "text=plain tokens=300 rate=0");
  await tab.send(long("hills"));
  await tab.seesStatus("complete");
  await tab.send(uniqueAsk("valleys", "text=plain tokens=300 rate=0 holdAfter=60 failTimes=1"));
  await tab.sees(150);
  await page.getByTestId("stop").click();
  await tab.seesStatus("stopped", 2);
  await tab.send(long("plains"));
  await tab.seesStatus("complete", 3);
  await page.getByTestId("regenerate").nth(1).click();
  await page.getByTestId("version").waitFor();
  await tab.seesStatus("complete", 2);
  await tab.send(long("heaths"));
  await tab.seesStatus("complete", 3);

  const [previous, next] = [page.getByTestId("previous-version"), page.getByTestId("next-version")];
  await previous.evaluate((button) => button.scrollIntoView({ block: "center" }));
  const topPx = async () => Math.round((await previous.boundingBox())?.y ?? Number.NaN);
  const before = await topPx();
  for (const button of [previous, next, previous, next]) {
    await button.click();
    await tab.seesStatus("complete", 3);
    expect(Math.abs((await topPx()) - before)).toBeLessThanOrEqual(1);
  }
});

test.concurrent("a message answers the version that is shown", async () => {
  const { tab, ask, stopped } = await stoppedAndRegenerated("lagoons");
  await tab.page.getByTestId("previous-version").click();
  await tab.seesStatus("stopped");
  const next = uniqueAsk("And then?", "text=plain tokens=20 rate=0");
  await tab.send(next);
  await tab.seesStatus("complete", 2);
  const request = (await demoRequests(stack.demoUrl, next))[0];
  // The page shows no space at the end of a text, and the model may have been stopped after one.
  expect(request?.messages.map(({ role, text }) => ({ role, text: text.trimEnd() }))).toEqual([
    { role: "user", text: ask },
    { role: "assistant", text: stopped.trimEnd() },
    { role: "user", text: next },
  ]);
  // The other version has nothing after it.
  await tab.page.getByTestId("next-version").first().click();
  await tab.page.getByText(next).waitFor({ state: "detached" });
  expect(await texts(tab, "user")).toEqual([ask]);
});

test.concurrent("an edited message is a version with a reply of its own, and the earlier turn stays", async () => {
  const ask = uniqueAsk("islands", "text=plain tokens=30 rate=0");
  const tab = await ChatPage.open(browser, stack);
  const { page } = tab;
  await tab.send(ask);
  await tab.seesStatus("complete");
  const first = await tab.replyText.textContent();

  await page.getByTestId("edit").click();
  const changed = uniqueAsk("peninsulas", "text=plain tokens=40 rate=0");
  await page.getByTestId("editor").fill(changed);
  await page.reload();
  expect(await page.getByTestId("editor").inputValue()).toBe(changed);
  await page.getByTestId("editor").press("Enter");
  await seesVersion(tab, "user", "2 / 2");
  await tab.seesStatus("complete");
  const request = (await demoRequests(stack.demoUrl, changed))[0];
  expect(request?.messages).toEqual([{ role: "user", text: changed }]);
  expect(await texts(tab, "assistant")).toEqual([request?.wholeText]);

  await page.getByTestId("previous-version").click();
  await seesVersion(tab, "user", "1 / 2");
  await tab.seesStatus("complete");
  await page.getByText(ask).waitFor();
  expect(await texts(tab, "user")).toEqual([ask]);
  expect(await texts(tab, "assistant")).toEqual([first]);
});

test.concurrent("Escape leaves a message as it was and the keyboard at its Edit button", async () => {
  const ask = uniqueAsk("bridges", "text=plain tokens=20 rate=0");
  const tab = await ChatPage.open(browser, stack);
  const { page } = tab;
  await tab.send(ask);
  await tab.seesStatus("complete");
  await page.getByTestId("edit").focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("editor").pressSequentially(" and more");
  await page.keyboard.press("Escape");
  await page.getByTestId("editor").waitFor({ state: "detached" });
  expect(await texts(tab, "user")).toEqual([ask]);
  expect(await page.locator(":focus").getAttribute("data-testid")).toBe("edit");
  await page.reload();
  await tab.seesStatus("complete");
  expect(await page.getByTestId("editor").count()).toBe(0);
});

test.concurrent("a stopped reply is continued from its very end: no frame shows less, a second browser sees it too", async () => {
  const ask = uniqueAsk("deserts", "text=plain tokens=240 rate=60 holdAfter=100 failTimes=2");
  const tab = await ChatPage.open(browser, stack);
  await tab.send(ask);
  await stopInTheMiddle(tab);
  const stopped = (await tab.replyText.textContent()) ?? "";
  const other = await ChatPage.open(browser, stack, tab.path);
  await other.seesStatus("stopped");
  await recordShownLengths(tab);
  await recordShownLengths(other);

  await tab.page.getByTestId("continue").click();
  await seesVersion(other, "assistant", "2 / 2");
  await releaseReply(stack.demoUrl, ask);
  await Promise.all([tab.seesStatus("complete"), other.seesStatus("complete")]);
  const requests = await demoRequests(stack.demoUrl, ask);
  const whole = requests[0]?.wholeText ?? "";
  expect(requests.map(({ isContinuation }) => isContinuation)).toEqual([false, true]);
  expect(withoutSpace(stopped + (requests[1]?.sentText ?? ""))).toBe(withoutSpace(whole));
  for (const page of [tab, other]) {
    expect(await texts(page, "assistant")).toEqual([whole]);
    expect(await shortestShown(page)).toBeGreaterThanOrEqual(stopped.length);
    expect(seams(await page.seen(await page.streamId()), whole)).toEqual([]);
  }
  await other.page.getByTestId("previous-version").click();
  await other.seesStatus("stopped");
  expect(await texts(other, "assistant")).toEqual([stopped]);
  expect(tab.posts).toHaveLength(2);
  expect(other.posts).toHaveLength(0);
});

test.concurrent("a reply that broke off can be continued, or tried once more", async () => {
  const ask = uniqueAsk("rivers", "text=plain tokens=100 errorAfter=60 rate=0 failTimes=1");
  const tab = await ChatPage.open(browser, stack);
  const { page } = tab;
  await tab.send(ask);
  await tab.seesStatus("failed");
  const broken = (await tab.replyText.textContent()) ?? "";
  await page.getByTestId("retry").click();
  await seesVersion(tab, "assistant", "2 / 2");
  await tab.seesStatus("complete");
  const [{ wholeText: whole } = { wholeText: "" }] = await demoRequests(stack.demoUrl, ask);
  expect(await texts(tab, "assistant")).toEqual([whole]);

  await page.getByTestId("previous-version").click();
  await tab.seesStatus("failed");
  expect(await texts(tab, "assistant")).toEqual([broken]);
  await page.getByTestId("continue").click();
  await seesVersion(tab, "assistant", "3 / 3");
  await tab.seesStatus("complete");
  expect(await texts(tab, "assistant")).toEqual([whole]);
  const rest = (await demoRequests(stack.demoUrl, ask)).at(-1)?.sentText ?? "";
  expect(withoutSpace(broken + rest)).toBe(withoutSpace(whole));
});

test.concurrent("a provider that refused is asked again by Retry, next to what it said", async () => {
  const ask = uniqueAsk("storms", "refuse=401 failTimes=1 text=plain tokens=20 rate=0");
  const tab = await ChatPage.open(browser, stack);
  await tab.send(ask);
  await tab.seesStatus("failed");
  expect(await tab.reply.innerText()).toMatch(/API key.*then retry/);
  expect(await tab.page.getByTestId("continue").count()).toBe(0);
  await tab.page.getByTestId("retry").click();
  await tab.seesStatus("complete");
  expect((await demoRequests(stack.demoUrl, ask)).map(({ state }) => state)).toEqual(["refused", "finished"]);
});

test.concurrent("a reply that came to the model's limit is continued", async () => {
  const ask = uniqueAsk("meadows", "text=plain tokens=30 rate=0 finish=length");
  const tab = await ChatPage.open(browser, stack);
  await tab.send(ask);
  await tab.seesStatus("complete");
  const first = (await tab.replyText.textContent()) ?? "";
  await tab.page.getByTestId("continue").click();
  await seesVersion(tab, "assistant", "2 / 2");
  await tab.seesStatus("complete");
  expect(((await tab.replyText.textContent()) ?? "").startsWith(first)).toBe(true);
});

/** The page shows no space at the end of a text. */
function withoutSpace(text: string): string {
  return text.replace(/\s+/g, "");
}

declare global {
  interface Window {
    shortestShown: number;
  }
}

/** From now on, at every frame, how much of the newest reply is shown, whichever version it is. */
async function recordShownLengths({ page }: ChatPage): Promise<void> {
  await page.evaluate(() => {
    window.shortestShown = Number.POSITIVE_INFINITY;
    function sample(): void {
      const replies = document.querySelectorAll("[data-testid=message][data-role=assistant]");
      const text = [...replies].at(-1)?.querySelector("[data-testid=message-text]");
      window.shortestShown = Math.min(window.shortestShown, text?.textContent.length ?? 0);
      requestAnimationFrame(sample);
    }
    sample();
  });
}

function shortestShown({ page }: ChatPage): Promise<number> {
  return page.evaluate(() => window.shortestShown);
}
