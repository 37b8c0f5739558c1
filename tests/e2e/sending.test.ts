/** A message on its way through bad networks, dying pages and a full server: it arrives once, or comes back. */
import type { Browser, Page, Route } from "@playwright/test";
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { setDeploymentEnvironment } from "../../scripts/deploymentVariables.ts";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { cutConnections } from "../support/cuttingProxy.ts";
import { demoRequests, releaseReply, uniqueAsk } from "../support/demoRequests.ts";
import { startStack, type Stack, type StackAddresses } from "../support/stack.ts";

/** Of its own: its process dies and its places are few. */
let stack: Stack;
const shared = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startStack(inject("appFolder"), { preparedFolder: inject("preparedData") }),
    launchBrowser(inject("browser")),
  ]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});

const plain = "text=plain tokens=60 rate=0";

/** The message is in its chat once, and its reply is whole. */
async function expectSentOnce(tab: ChatPage, { deploymentUrl, demoUrl }: StackAddresses, ask: string) {
  await tab.seesStatus("complete");
  const chatId = tab.path.split("/").at(-1) ?? "";
  expect(await new ConvexHttpClient(deploymentUrl).query(api.messages.list, { chatId })).toHaveLength(2);
  expect(await tab.replyText.textContent()).toBe((await demoRequests(demoUrl, ask)).at(-1)?.wholeText);
  expect(await tab.page.getByTestId("composer").inputValue()).toBe("");
  expect(await outbox(tab.page)).toEqual([]);
}

function outbox(page: Page): Promise<string[]> {
  return page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("duet.outbox.")));
}

async function seesState(tab: ChatPage, state: string): Promise<void> {
  await tab.reply.locator(`[data-state="${state}"]`).waitFor();
}

/** Hands the POST to the server and keeps its answer from the page, as a network that fails in between. */
async function swallowAnswer(route: Route): Promise<void> {
  const request = route.request();
  const response = await fetch(request.url(), {
    method: "POST",
    headers: { "content-type": "application/json", origin: (await request.headerValue("origin")) ?? "" },
    body: request.postData() ?? "",
  });
  expect(response.status).toBe(200);
  await response.body?.cancel();
  await route.abort("connectionreset");
}

test.concurrent("whose answer was lost is sent once, and its reply is driven by a second POST", async () => {
  const ask = uniqueAsk("lighthouses", `${plain} holdAfter=0 failTimes=2`);
  const tab = await ChatPage.open(browser, shared);
  let isSwallowed = false;
  await tab.page.route("**/chat-stream", async (route) => {
    if (isSwallowed || route.request().method() !== "POST") return route.fallback();
    isSwallowed = true;
    return swallowAnswer(route);
  });
  await tab.send(ask);
  await tab.streamId();
  await tab.page.locator('[data-driver="true"][data-status="running"]').waitFor();
  const [first, second] = tab.posts.map((body) => JSON.parse(body) as Record<string, unknown>);
  expect(second).toEqual({ streamId: await tab.streamId(), runToken: first?.["runToken"] });
  // The run of the first POST finds its token revoked, and lets go of the model.
  await vi.waitUntil(async () => (await demoRequests(shared.demoUrl, ask))[0]?.state === "clientGone", {
    timeout: 60_000,
  });
  await releaseReply(shared.demoUrl, ask);
  await expectSentOnce(tab, shared, ask);
});

test.concurrent("whose POST hangs is sent over the database's connection", async () => {
  const ask = uniqueAsk("windmills", plain);
  const tab = await ChatPage.open(browser, shared);
  await tab.page.route("**/chat-stream", () => {});
  await tab.send(ask);
  await seesState(tab, "sending");
  await expectSentOnce(tab, shared, ask);
  expect(tab.posts).toHaveLength(1);
});

test.concurrent("from a browser whose connections all bring replies is not behind them, nor does it wait to find out", async () => {
  const held: string[] = [];
  const first = await ChatPage.open(browser, shared);
  // On a busy machine a POST may have no head in time, and its reply is none of these six.
  while ((await liveConnections(first.page)) < 6) {
    const ask = uniqueAsk("harbours", "text=plain tokens=60 rate=0 holdAfter=20");
    held.push(ask);
    await first.page.getByTestId("new-chat").click();
    await first.send(ask);
    await first.seesStatus("running");
  }
  const ask = uniqueAsk("dikes", plain);
  const seventh = await first.newTab();
  await seventh.page.clock.install();
  await seventh.page.goto(shared.appUrl);
  await seventh.page.getByTestId("send").waitFor();
  // No patience of the page runs out any more.
  await seventh.page.clock.pauseAt(Date.now() + 5_000);
  await seventh.send(ask);
  await seventh.page.locator('[data-driver="false"][data-status="complete"]').waitFor();
  expect(seventh.posts).toHaveLength(1);
  await expectSentOnce(seventh, shared, ask);
  for (const other of held) await releaseReply(shared.demoUrl, other);
});

/** Of all tabs of this browser. */
function liveConnections(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    return held.filter(({ name }) => name === "duet.live").length;
  });
}

test.concurrent("that waits for the end of a reply is sent once by the page that was reloaded meanwhile", async () => {
  const firstAsk = uniqueAsk("moors", "text=plain tokens=60 rate=0 holdAfter=20");
  const ask = uniqueAsk("fens", plain);
  const tab = await ChatPage.open(browser, shared);
  await tab.send(firstAsk);
  await tab.sees(20);
  await tab.page.getByTestId("composer").fill(ask);
  await tab.page.getByTestId("composer").press("Enter");
  await tab.page.getByTestId("held-back").getByText("Will be sent").waitFor();
  await tab.page.reload();
  await tab.page.getByTestId("held-back").getByText("Will be sent").waitFor();
  expect(await tab.page.getByTestId("composer").inputValue()).toBe(ask);
  await releaseReply(shared.demoUrl, firstAsk);
  await tab.seesStatus("complete", 2);
  expect(await tab.replyText.textContent()).toBe((await demoRequests(shared.demoUrl, ask)).at(-1)?.wholeText);
  expect(await demoRequests(shared.demoUrl, ask)).toHaveLength(1);
  expect(await tab.page.getByTestId("composer").inputValue()).toBe("");
});

test.concurrent("without network waits with a word of its own, and is sent when it is back", async () => {
  const ask = uniqueAsk("canals", plain);
  const tab = await ChatPage.open(browser, shared);
  await tab.page.getByTestId("send").waitFor();
  await goOffline(tab);
  await tab.send(ask);
  await seesState(tab, "offline");
  expect(await outbox(tab.page)).toHaveLength(1);
  expect(tab.posts).toEqual([]);
  await tab.page.context().setOffline(false);
  await expectSentOnce(tab, shared, ask);
});

async function goOffline(tab: ChatPage): Promise<void> {
  await tab.page.context().setOffline(true);
  // Going offline only keeps new connections from opening; the live ones are cut here.
  await cutConnections(shared.proxyControlUrl, tab.browserId);
}

/** From the next page on neither the POST nor the database's connection gets through, until the returned function is called. */
async function loseServer(tab: ChatPage): Promise<() => void> {
  let isLost = true;
  await tab.page.route("**/chat-stream", (route) => (isLost ? undefined : route.fallback()));
  await tab.page.routeWebSocket("**", (socket) => {
    if (!isLost) socket.connectToServer();
  });
  return () => {
    isLost = false;
  };
}

test.concurrent("is on the screen again after a reload, and is sent once", async () => {
  const ask = uniqueAsk("orchards", plain);
  const tab = await ChatPage.open(browser, shared);
  const findServer = await loseServer(tab);
  await tab.page.reload();
  await tab.page.getByTestId("composer").fill(ask);
  await tab.page.getByTestId("composer").press("Enter");
  await seesState(tab, "sending");
  await tab.page.reload();
  await tab.page.getByText(ask).waitFor();
  expect(tab.posts.map((body) => (JSON.parse(body) as { turn: { prompt: string } }).turn.prompt)).toEqual([
    ask,
    ask,
  ]);
  findServer();
  await tab.page.reload();
  await tab.page.waitForURL(/\/c\//);
  await expectSentOnce(tab, shared, ask);
});

test.concurrent("of a tab that dies is sent by another one", async () => {
  const ask = uniqueAsk("quarries", plain);
  const dying = await ChatPage.open(browser, shared);
  const other = await dying.page.context().newPage();
  await other.goto("/");
  await loseServer(dying);
  await dying.page.reload();
  await dying.page.getByTestId("composer").fill(ask);
  await dying.page.getByTestId("composer").press("Enter");
  await seesState(dying, "sending");
  expect(await outbox(other)).toHaveLength(1);
  await dying.page.close();
  const [listed] = await Promise.all([
    other
      .getByTestId("chat-item")
      .filter({ hasText: ask.slice(0, 20) })
      .waitFor(),
    other.waitForFunction(() => !Object.keys(localStorage).some((key) => key.startsWith("duet.outbox."))),
  ]);
  expect(listed).toBeUndefined();
  expect(await demoRequests(shared.demoUrl, ask)).toHaveLength(1);
});

test("is sent when the server is back", async () => {
  const ask = uniqueAsk("harvests", plain);
  const tab = await ChatPage.open(browser, stack.addresses);
  await tab.page.getByTestId("send").waitFor();
  await stack.killDeployment();
  await tab.send(ask);
  await seesState(tab, "sending");
  await stack.restartDeployment();
  await expectSentOnce(tab, stack.addresses, ask);
  expect(await demoRequests(stack.addresses.demoUrl, ask)).toHaveLength(1);
});

test("is kept when all places are taken, says so, and has its reply when one is free", async () => {
  const { addresses } = stack;
  await setDeploymentEnvironment(
    { ...addresses, url: addresses.deploymentUrl },
    { MAX_CONCURRENT_RUNS: "1" },
  );
  const firstAsk = uniqueAsk("ferries", "text=plain tokens=60 rate=0 holdAfter=20");
  const first = await ChatPage.open(browser, addresses);
  await first.send(firstAsk);
  await first.sees(20);
  const ask = uniqueAsk("bridges", plain);
  const second = await ChatPage.open(browser, addresses);
  await second.send(ask);
  await seesState(second, "full");
  await releaseReply(addresses.demoUrl, firstAsk);
  await first.seesStatus("complete");
  await expectSentOnce(second, addresses, ask);
  expect(await demoRequests(stack.addresses.demoUrl, ask)).toHaveLength(1);
});
