/** Chats that are deleted in the middle of everything; the deployment's transactions, pumps and connections are real. */
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { startStack, type Stack } from "../support/stack.ts";
import { callAsAdmin, storedRows } from "../support/storedRows.ts";

const patience = { timeout: 90_000, interval: 100 };
let stack: Stack;
let client: ConvexHttpClient;

beforeAll(async () => {
  stack = await startStack(inject("appFolder"), { preparedFolder: inject("preparedData") });
  client = new ConvexHttpClient(stack.addresses.deploymentUrl);
});
afterAll(() => stack.close());

/** A chat whose removal takes several steps. */
async function longChat() {
  const admin = stack.addresses;
  const first = await client.mutation(api.chats.createChat, { prompt: "Long" });
  let { streamId } = first;
  for (let turn = 0; turn < 30; turn += 1) {
    const token = `long-chat-${turn}`;
    await callAsAdmin(admin, "mutation", "runs:claim", { streamId, token, by: "server" });
    const end = { status: "complete", finishReason: "stop", usage: null, costUsd: null };
    await callAsAdmin(admin, "mutation", "runs:finish", { token, text: "", ...end });
    const more = { chatId: first.chatId, text: "More", clientRequestId: token };
    ({ streamId } = await client.mutation(api.messages.send, more));
  }
  return first;
}

/** A reply that its driver reads to the end, whatever the end is: a run that gives itself up breaks its body off. */
async function drive(streamId: string): Promise<void> {
  const response = await fetch(`${stack.addresses.siteUrl}/chat-stream`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ streamId, runToken: `driver-of-${streamId}` }),
  });
  await response.text().catch(() => undefined);
}

async function stateOf(ask: string) {
  return (await demoRequests(stack.addresses.demoUrl, ask)).at(-1)?.state;
}

async function startReply(topic: string, directives: string) {
  const ask = uniqueAsk(topic, `text=plain ${directives}`);
  const turn = await client.mutation(api.chats.createChat, { prompt: ask });
  return { ...turn, ask, driven: drive(turn.streamId) };
}

test("a chat deleted during a silent reply closes the provider's connection, and an undo brings it back stopped", async () => {
  const { chatId, messageId, ask, driven } = await startReply("owls", "tokens=80 rate=0 holdAfter=30");
  await vi.waitUntil(async () => (await stateOf(ask)) === "onHold", patience);
  await client.mutation(api.chats.deleteChat, { chatId });
  // Nobody lets this reply go on: only the closed connection ends it.
  await vi.waitUntil(async () => (await stateOf(ask)) === "clientGone", patience);
  await driven;
  await client.mutation(api.chats.restoreChat, { chatId });
  const list = await vi.waitUntil(async () => {
    const messages = await client.query(api.messages.list, { chatId });
    return messages.at(-1)?.reply?.status === "stopped" ? messages : null;
  }, patience);
  expect(list).toHaveLength(2);
  const [request] = await demoRequests(stack.addresses.demoUrl, ask);
  expect(await client.query(api.messages.getText, { messageId })).toEqual({ text: request?.sentText });
  expect(await client.query(api.chats.listChats, {})).toMatchObject([{ _id: chatId, status: "idle" }]);
  await client.mutation(api.chats.deleteChat, { chatId });
}, 120_000);

test("whatever races with the deletion and with the purge, a kill between its steps too, no row is left", async () => {
  const directives = ["tokens=400 rate=0", "tokens=60 rate=200", "tokens=80 rate=0 holdAfter=20"];
  const replies = await Promise.all(
    directives.flatMap((directive, kind) =>
      Array.from({ length: 3 }, async (_, index) => await startReply(`race ${kind} ${index}`, directive)),
    ),
  );
  const withoutDriver = await client.mutation(api.chats.createChat, { prompt: uniqueAsk("nobody") });
  const all = [...replies, withoutDriver, await longChat()];

  /** What a client, a pump, the queue and the reaper may do at any moment; each may be refused. */
  const hammer = async ({ chatId, messageId, streamId }: (typeof all)[number], round: number) => {
    const token = `hammer-${streamId}-${round}`;
    const admin = stack.addresses;
    await Promise.allSettled([
      client.mutation(api.messages.send, { chatId, text: "More", clientRequestId: token }),
      client.mutation(api.messages.regenerate, { messageId, clientRequestId: `${token}-again` }),
      client.mutation(api.messages.leaveToServer, { messageId }),
      callAsAdmin(admin, "mutation", "runs:claim", { streamId, token, by: "server" }),
      callAsAdmin(admin, "mutation", "runs:append", { token, from: 0, text: "Late. " }),
      callAsAdmin(admin, "mutation", "runs:heartbeat", { token }),
      callAsAdmin(admin, "mutation", "runs:reap", {}),
      client.mutation(api.chats.deleteChat, { chatId }),
      callAsAdmin(admin, "mutation", "chats:purge", { chatId }),
      callAsAdmin(admin, "mutation", "chats:resumePurges", {}),
    ]);
  };
  await Promise.all(all.map((reply) => hammer(reply, 0)));
  await Promise.all(replies.map(({ driven }) => driven));
  let round = 1;
  let most = 0;
  let isKilled = false;
  const rows = await vi.waitUntil(async () => {
    const left = await storedRows(stack.addresses);
    if (Object.keys(left).length === 0) return left;
    const messages = left["messages"] ?? 0;
    most = Math.max(most, messages);
    if (messages < most && !isKilled) {
      await stack.killDeployment();
      await stack.restartDeployment();
      isKilled = true;
    }
    await Promise.all(all.map((reply) => hammer(reply, round)));
    round += 1;
    return null;
  }, patience);
  expect(rows).toEqual({});
  expect(isKilled).toBe(true);
  for (const { ask } of replies) {
    expect(["finished", "clientGone"]).toContain(await stateOf(ask));
  }
  const [{ chatId } = { chatId: "" }] = replies;
  await expect(client.mutation(api.chats.restoreChat, { chatId })).rejects.toThrow("notFound");
}, 180_000);
