/** Many callers want to drive the same reply at the same moment; the deployment's transactions are real here. */
import type { Browser } from "@playwright/test";
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

async function createChat(prompt: string, model?: string) {
  return new ConvexHttpClient(stack.deploymentUrl).mutation(api.chats.createChat, { prompt, model });
}

function drive(streamId: string, runToken: string): Promise<Response> {
  return fetch(`${stack.siteUrl}/chat-stream`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ streamId, runToken }),
  });
}

test.concurrent("of twenty simultaneous POSTs exactly one drives the reply", async () => {
  const ask = uniqueAsk("chess", "text=plain tokens=80 rate=0");
  const { streamId } = await createChat(ask);
  const responses = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const response = await drive(streamId, `race-token-${String(index).padStart(8, "0")}`);
      return { status: response.status, text: await response.text() };
    }),
  );
  const winners = responses.filter(({ status }) => status === 200);
  const losers = responses.filter(({ status }) => status !== 200);
  const requests = await demoRequests(stack.demoUrl, ask);
  expect(requests).toHaveLength(1);
  expect(winners.map(({ text }) => text)).toEqual([requests[0]?.wholeText]);
  expect(new Set(losers.map(({ status }) => status))).toEqual(new Set([409]));
  expect(losers.map(({ text }) => (JSON.parse(text) as { kind: string }).kind)).toEqual(
    losers.map(() => "runTaken"),
  );
});

test.concurrent("two tabs that POST the same stream produce one reply, which both show", async () => {
  const ask = uniqueAsk("mirrors", "text=plain tokens=120 rate=60");
  const { chatId, streamId } = await createChat(ask);
  const tabs = await Promise.all([ChatPage.open(browser, stack), ChatPage.open(browser, stack)]);
  const statuses = await Promise.all(
    tabs.map(({ page }, index) =>
      page.evaluate(async ([url, body]) => (await fetch(url, { method: "POST", body })).status, [
        `${stack.siteUrl}/chat-stream`,
        JSON.stringify({ streamId, runToken: `tab-token-${index}-0123456789` }),
      ] as const),
    ),
  );
  expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 409]);
  await Promise.all(
    tabs.map(async (tab) => {
      await tab.page.goto(`/c/${chatId}`);
      await tab.seesStatus("complete");
    }),
  );
  const requests = await demoRequests(stack.demoUrl, ask);
  expect(requests).toHaveLength(1);
  for (const tab of tabs) {
    expect(await tab.replyText.textContent()).toBe(requests[0]?.wholeText);
  }
});

test.concurrent("the Anthropic wire carries a reply from end to end", async () => {
  const ask = uniqueAsk("bells", "text=plain tokens=50 rate=0 unicode=1 chunk=7");
  const { streamId } = await createChat(ask, "demo-anthropic");
  const response = await drive(streamId, "anthropic-token-0001");
  const text = await response.text();
  const [request] = await demoRequests(stack.demoUrl, ask);
  expect(request?.wire).toBe("anthropic");
  expect(text).toBe(request?.wholeText);
  const body = await new ConvexHttpClient(stack.deploymentUrl).query(api.chats.getChatBody, { streamId });
  expect(body).toEqual({ text, status: "done" });
});
