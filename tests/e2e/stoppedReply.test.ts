/** Stop, down to the provider's connection: pumps, transactions and HTTP are real, and there is no page. */
import { ConvexHttpClient } from "convex/browser";
import { expect, inject, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";
import { callAsAdmin } from "../support/storedRows.ts";

const stack = inject("sharedStack");
const client = new ConvexHttpClient(stack.deploymentUrl);
const patience = { timeout: 60_000, interval: 50 };

async function drive(streamId: string): Promise<string> {
  const response = await fetch(`${stack.siteUrl}/chat-stream`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ streamId, runToken: `driver-of-${streamId}` }),
  });
  return await response.text();
}

async function begin(topic: string, directives: string) {
  const ask = uniqueAsk(topic, `text=plain ${directives}`);
  return { ask, ...(await client.mutation(api.chats.createChat, { prompt: ask })) };
}

/** The reply once it has ended, with its text. */
async function ended({ chatId, messageId }: { chatId: string; messageId: string }) {
  return await vi.waitUntil(async () => {
    const messages = await client.query(api.messages.list, { chatId });
    const reply = messages.find(({ _id }) => _id === messageId)?.reply;
    if (!reply || !hasEnded(reply.status)) return null;
    const stored = await client.query(api.messages.getText, { messageId });
    return { ...reply, text: stored?.text };
  }, patience);
}

async function requestOf(ask: string) {
  return (await demoRequests(stack.demoUrl, ask)).at(-1);
}

test.concurrent("a stop in silence closes the provider's connection and keeps all that it sent", async () => {
  const turn = await begin("herons", "tokens=120 rate=0 holdAfter=40");
  const body = drive(turn.streamId);
  await vi.waitUntil(async () => (await requestOf(turn.ask))?.state === "onHold", patience);
  await client.mutation(api.messages.stop, { messageId: turn.messageId });
  // Nobody lets this reply go on: only the closed connection ends it.
  await vi.waitUntil(async () => (await requestOf(turn.ask))?.state === "clientGone", patience);
  const reply = await ended(turn);
  const request = await requestOf(turn.ask);
  expect(reply).toMatchObject({ status: "stopped", text: request?.sentText });
  expect(reply.usage?.outputTokens).toBeGreaterThan(0);
  expect(await body).toBe(request?.sentText);
});

test.concurrent("a stop while the reply is produced by the server closes the provider's connection", async () => {
  const turn = await begin("storks", "tokens=120 rate=0 holdAfter=40");
  await client.mutation(api.messages.leaveToServer, { messageId: turn.messageId });
  await vi.waitUntil(async () => (await requestOf(turn.ask))?.state === "onHold", patience);
  await client.mutation(api.messages.stop, { messageId: turn.messageId });
  await vi.waitUntil(async () => (await requestOf(turn.ask))?.state === "clientGone", patience);
  expect(await ended(turn)).toMatchObject({
    status: "stopped",
    text: (await requestOf(turn.ask))?.sentText,
  });
});

test.concurrent("a stop in the middle of fast tokens keeps a beginning of what the provider sent", async () => {
  const turn = await begin("cranes", "tokens=4000 rate=800 holdAfter=3000");
  const body = drive(turn.streamId);
  await vi.waitUntil(async () => ((await requestOf(turn.ask))?.sentText.length ?? 0) > 400, patience);
  await client.mutation(api.messages.stop, { messageId: turn.messageId });
  const reply = await ended(turn);
  await vi.waitUntil(async () => (await requestOf(turn.ask))?.state === "clientGone", patience);
  const request = await requestOf(turn.ask);
  expect(reply.status).toBe("stopped");
  const kept = reply.text ?? "";
  expect(kept.length).toBeGreaterThan(400);
  expect(request?.sentText.slice(0, kept.length)).toBe(kept);
  expect(await body).toBe(reply.text);
});

test.concurrent("a queued reply is stopped at once, and the model is never asked", async () => {
  const turn = await begin("gulls", "tokens=20 rate=0");
  await client.mutation(api.messages.stop, { messageId: turn.messageId });
  expect(await ended(turn)).toMatchObject({ status: "stopped", text: "" });
  expect((await drive(turn.streamId)).includes("runTaken")).toBe(true);
  expect(await requestOf(turn.ask)).toBeUndefined();
});

test.concurrent("a stop that races with the natural end gives one of the two, each with its whole text", async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const turn = await begin(`terns ${index}`, "tokens=60 rate=0 firstTokenMs=50");
      const body = drive(turn.streamId);
      await vi.waitUntil(async () => (await requestOf(turn.ask)) !== undefined, {
        ...patience,
        interval: 1 + 10 * index,
      });
      const stop = () => client.mutation(api.messages.stop, { messageId: turn.messageId });
      // A double click.
      await Promise.all([stop(), stop()]);
      return { reply: await ended(turn), request: await requestOf(turn.ask), body: await body };
    }),
  );
  for (const { reply, request, body } of outcomes) {
    expect(["complete", "stopped"]).toContain(reply.status);
    expect(body).toBe(reply.text);
    const wholeText = request?.wholeText ?? "";
    const kept = reply.text ?? "";
    expect(kept).toBe(wholeText.slice(0, reply.status === "complete" ? undefined : kept.length));
  }
});

test.concurrent("a reply whose pump is dead is sealed with what is persisted", async () => {
  const turn = await begin("rooks", "tokens=20 rate=0");
  const token = `dead-${turn.streamId}`;
  await callAsAdmin(stack, "mutation", "runs:claim", { streamId: turn.streamId, token, by: "server" });
  await callAsAdmin(stack, "mutation", "runs:append", { token, from: 0, text: "Half a sent" });
  await client.mutation(api.messages.stop, { messageId: turn.messageId });
  expect(await ended(turn)).toMatchObject({ status: "stopped", text: "Half a sent" });
  const late = callAsAdmin(stack, "mutation", "runs:append", { token, from: 11, text: "ence" });
  await expect(late).rejects.toThrow("This run has ended");
});
