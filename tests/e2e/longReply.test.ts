/** Replies of a length that no single transaction could store, on a deployment that has the limits of Convex. */
import { ConvexHttpClient } from "convex/browser";
import { expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { callAsAdmin } from "../support/storedRows.ts";

const stack = inject("sharedStack");
const client = new ConvexHttpClient(stack.deploymentUrl);

const flush = `${"A line of a very long reply, 長い返事 😀. ".repeat(50)}\n`;
const flushes = 700;

const callRun = async (name: string, args: Record<string, unknown>) =>
  await callAsAdmin(stack, "mutation", `runs:${name}`, args);

/** A reply that is written as a pump would write it, by hand. */
async function writtenReply(token: string) {
  const chat = await client.mutation(api.chats.createChat, { prompt: "All of it, please." });
  await callRun("claim", { streamId: chat.streamId, token, by: "driver" });
  for (let index = 0; index < flushes; index++) {
    await callRun("append", { token, from: index * flush.length, text: flush });
  }
  return { ...chat, text: flush.repeat(flushes) };
}

async function endOf({ streamId }: { streamId: string }) {
  return await client.query(api.chats.getChatBody, { streamId });
}

const patience = { timeout: 60_000, interval: 500 };

test("a reply of well over a million characters is finished, read and removed", async () => {
  const token = "long-reply-that-finishes";
  const reply = await writtenReply(token);
  const { length } = reply.text;
  const end = { text: "", length, usage: null, costUsd: null, status: "complete", finishReason: "stop" };
  expect((await endOf(reply)).text === reply.text).toBe(true);
  await callRun("finish", { token, ...end });
  await callRun("finish", { token, ...end });
  const body = await endOf(reply);
  expect(body.status).toBe("done");
  expect(body.text === reply.text).toBe(true);
  await client.mutation(api.chats.deleteChat, { chatId: reply.chatId });
});

test("one whose pump is gone is stopped with all that it had written", async () => {
  const reply = await writtenReply("long-reply-that-is-stopped");
  await client.mutation(api.messages.stop, { messageId: reply.messageId });
  const status = await vi.waitFor(async () => {
    const body = await endOf(reply);
    expect(body.text === reply.text).toBe(true);
    expect(body.status).toBe("done");
    return body.status;
  }, patience);
  expect(status).toBe("done");
  await vi.waitFor(async () => {
    const stored = await client.query(api.messages.getText, { messageId: reply.messageId });
    expect(stored?.text === reply.text).toBe(true);
  }, patience);
});
