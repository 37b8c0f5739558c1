/** A reply with a driver and a spectator, both watched at every frame, from the question to the judgement. */
import type { Browser } from "@playwright/test";
import type { LoggedRequest } from "../../demo/requestLog.ts";
import { ChatPage } from "./chatPage.ts";
import { demoRequests, uniqueAsk } from "./demoRequests.ts";
import { seams, type SeamOptions } from "./seams.ts";
import type { StackAddresses } from "./stack.ts";

export interface WatchedReply {
  stack: StackAddresses;
  ask: string;
  streamId: string;
  driver: ChatPage;
  spectator: ChatPage;
}

/**
 * Sends from one browser and opens the chat in another; `directives` as in demo/README.md. `from`: a tab that is open
 * on the page of a new chat.
 */
export async function watchReply(
  browser: Browser,
  stack: StackAddresses,
  directives: string,
  from?: ChatPage,
): Promise<WatchedReply> {
  const ask = uniqueAsk("tides", directives);
  const driver = from ?? (await ChatPage.open(browser, stack));
  await driver.send(ask);
  const streamId = await driver.streamId();
  const spectator = await ChatPage.open(browser, stack, driver.path);
  await spectator.streamId();
  return { stack, ask, streamId, driver, spectator };
}

/** The same, from a browser that drives its reply: on a busy machine a POST has no head in time, and is turned away. */
export async function watchDrivenReply(
  browser: Browser,
  stack: StackAddresses,
  directives: string,
): Promise<WatchedReply> {
  for (;;) {
    const reply = await watchReply(browser, stack, directives);
    await reply.driver.sees(1);
    if ((await reply.driver.reply.getAttribute("data-driver")) === "true") return reply;
    await Promise.all([reply.driver.close(), reply.spectator.close()]);
  }
}

/** What people could have noticed, by who they were. */
export interface SeamsByReader {
  driver: string[];
  spectator: string[];
}

export const noSeams: SeamsByReader = { driver: [], spectator: [] };

/** Waits for the end in both tabs and judges what they saw. */
export async function seamsOf(reply: WatchedReply, options: SeamOptions = {}): Promise<SeamsByReader> {
  const { stack, ask, streamId, driver, spectator } = reply;
  await Promise.all([driver.seesStatus("complete"), spectator.seesStatus("complete")]);
  const whole =
    options.text === "markdown"
      ? await renderedText(reply)
      : wholeTextOf(await demoRequests(stack.demoUrl, ask));
  return {
    driver: seams(await driver.seen(streamId), whole, options),
    spectator: seams(await spectator.seen(streamId), whole, options),
  };
}

function wholeTextOf(requests: readonly LoggedRequest[]): string {
  const [first] = requests;
  if (first === undefined) throw new Error("The model was not asked.");
  return first.wholeText;
}

/** As a page shows it that saw nothing of its growth. */
async function renderedText({ spectator }: WatchedReply): Promise<string> {
  const page = await spectator.page.context().newPage();
  await page.goto(spectator.path);
  const text = page.locator("[data-role=assistant][data-status=complete] [data-testid=message-text]").last();
  await text.waitFor();
  const rendered = (await text.textContent()) ?? "";
  await page.close();
  return rendered;
}
