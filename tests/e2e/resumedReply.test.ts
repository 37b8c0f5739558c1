/** Replies that are made in the background at the provider: what dies here goes on there. */
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import type { LoggedRequest } from "../../demo/requestLog.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { startStack, type Stack } from "../support/stack.ts";

const model = "gpt-6-luna";
const patience = { timeout: 100_000, interval: 50 };

let stack: Stack;
let client: ConvexHttpClient;

beforeAll(async () => {
  stack = await startStack(inject("appFolder"), {
    preparedFolder: inject("preparedData"),
    models: [model],
    environment: (demoUrl) => ({
      OPENAI_API_KEY: "any",
      OPENAI_BASE_URL: `${demoUrl}/v1`,
      OPENAI_RESUMABLE: "true",
    }),
  });
  client = new ConvexHttpClient(stack.addresses.deploymentUrl);
});
afterAll(() => stack.close());

interface Begun {
  ask: string;
  chatId: string;
  messageId: string;
  streamId: string;
}

/** A reply that holds in its middle, driven until that much of it is persisted. */
async function beginReply(directives: string): Promise<Begun> {
  const ask = uniqueAsk("harbours", `text=plain tokens=300 rate=0 ${directives}`);
  const chat = await client.mutation(api.chats.createChat, { prompt: ask, model });
  const driven = await fetch(`${stack.addresses.siteUrl}/chat-stream`, {
    method: "POST",
    body: JSON.stringify({ streamId: chat.streamId }),
  });
  // Read on to the end, which may be that of the deployment.
  void driven.text().catch(() => undefined);
  await vi.waitFor(async () => {
    const { text } = await client.query(api.chats.getChatBody, { streamId: chat.streamId });
    expect(text.length).toBeGreaterThan(400);
  }, patience);
  return { ask, ...chat };
}

async function restart(): Promise<void> {
  await stack.killDeployment();
  await stack.restartDeployment();
}

async function onlyRequest({ ask }: Begun): Promise<LoggedRequest> {
  const requests = await demoRequests(stack.addresses.demoUrl, ask);
  expect(requests).toHaveLength(1);
  return requests[0]!;
}

async function release({ id }: LoggedRequest): Promise<void> {
  await fetch(`${stack.addresses.demoUrl}/control/release?id=${id}`, { method: "POST" });
}

async function endOf({ chatId, messageId, streamId }: Begun) {
  await vi.waitUntil(
    async () => (await client.query(api.chats.getChat, { chatId }))?.status === "idle",
    patience,
  );
  const list = await client.query(api.messages.list, { chatId });
  const reply = list.find(({ _id }) => _id === messageId)?.reply;
  const { text } = await client.query(api.chats.getChatBody, { streamId });
  return { reply, text };
}

test("a reply whose deployment is killed is resumed at the provider: one prompt, each character once", async () => {
  const begun = await beginReply("think=40 unicode=1 holdAt=200");
  await restart();
  await vi.waitFor(async () => expect((await onlyRequest(begun)).resumedAfter).toEqual([null]), patience);
  await release(await onlyRequest(begun));
  const { reply, text } = await endOf(begun);
  const request = await onlyRequest(begun);
  expect(request).toMatchObject({ wire: "responses", state: "finished", isContinuation: false });
  expect(text).toBe(request.wholeText);
  expect(reply).toMatchObject({ status: "complete", attempt: 2, finishReason: "stop" });
  // The bill is that of the one response, not a guess.
  expect(reply?.usage).toMatchObject({ outputTokens: 340 });
  const thoughts = await client.query(api.reasoning.get, { streamId: begun.streamId });
  expect(thoughts?.thoughts).toEqual([{ place: 0, from: 0, text: request.sentReasoning }]);
});

test("a reply that its provider does not know any more is continued with a prompt", async () => {
  const begun = await beginReply("stallAfter=200 replay=unknown");
  await restart();
  const { reply, text } = await endOf(begun);
  const requests = await demoRequests(stack.addresses.demoUrl, begun.ask);
  expect(requests.map(({ isContinuation }) => isContinuation)).toEqual([false, true]);
  expect(text).toBe(requests[0]?.wholeText);
  expect(reply).toMatchObject({ status: "complete", attempt: 2 });
});

test("a stop cancels the response, whose connection alone would not end it", async () => {
  const begun = await beginReply("holdAfter=200");
  await client.mutation(api.messages.stop, { messageId: begun.messageId });
  expect((await endOf(begun)).reply).toMatchObject({ status: "stopped" });
  await vi.waitFor(async () => expect((await onlyRequest(begun)).state).toBe("cancelled"), patience);
});

test("a stop after a restart cancels the response, whether or not somebody has taken the reply up", async () => {
  const begun = await beginReply("holdAfter=200");
  await restart();
  await client.mutation(api.messages.stop, { messageId: begun.messageId });
  expect((await endOf(begun)).reply).toMatchObject({ status: "stopped" });
  await vi.waitFor(async () => expect((await onlyRequest(begun)).state).toBe("cancelled"), patience);
});

test("a chat that is deleted in mid-reply cancels the response", async () => {
  const begun = await beginReply("holdAfter=200");
  await client.mutation(api.chats.deleteChat, { chatId: begun.chatId });
  await vi.waitFor(async () => expect((await onlyRequest(begun)).state).toBe("cancelled"), patience);
});
