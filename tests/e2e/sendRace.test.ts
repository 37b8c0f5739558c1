/** One message, however often and on however many ways it is sent; the deployment's transactions are real here. */
import { randomUUID } from "node:crypto";
import { ConvexHttpClient } from "convex/browser";
import { expect, inject, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import type { Turn } from "../../convex/shared/streamEvents.ts";
import { demoRequests, uniqueAsk } from "../support/demoRequests.ts";

const stack = inject("sharedStack");
const client = new ConvexHttpClient(stack.deploymentUrl);

interface Answer {
  status: number;
  turn: Turn;
  text: string;
}

async function postTurn(turn: object, runToken: string): Promise<Answer> {
  const response = await fetch(`${stack.siteUrl}/chat-stream`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ turn, runToken }),
  });
  const text = await response.text();
  const named = response.headers.get("X-Duet-Turn");
  return { status: response.status, turn: readTurn(named ?? text), text };
}

function readTurn(text: string): Turn {
  const value = JSON.parse(text) as Turn & { turn?: Turn };
  return value.turn ?? value;
}

function newChat(ask: string) {
  return { kind: "newChat", prompt: ask, clientRequestId: randomUUID() };
}

async function expectOneMessage(answers: readonly Turn[]): Promise<void> {
  expect(new Set(answers.map(({ messageId }) => messageId)).size).toBe(1);
  const [turn] = answers;
  expect(await client.query(api.messages.list, { chatId: turn?.chatId ?? "" })).toHaveLength(2);
}

/** Of a reply that has ended. */
async function expectWhole(turn: Turn, ask: string): Promise<void> {
  const requests = await demoRequests(stack.demoUrl, ask);
  const body = await client.query(api.chats.getChatBody, { streamId: turn.streamId });
  expect(body).toEqual({ text: requests.at(-1)?.wholeText, status: "done" });
}

test.concurrent("of twenty simultaneous POSTs of one message exactly one drives it", async () => {
  const ask = uniqueAsk("lanterns", "text=plain tokens=80 rate=0");
  const turn = newChat(ask);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => postTurn(turn, `race-token-${String(index).padStart(8, "0")}`)),
  );
  await expectOneMessage(answers.map((answer) => answer.turn));
  const statuses = answers.map(({ status }) => status).toSorted((one, other) => one - other);
  expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
  expect(await demoRequests(stack.demoUrl, ask)).toHaveLength(1);
  await expectWhole(answers[0]!.turn, ask);
});

test.concurrent("of twenty POSTs that are the same in everything one tells the end, and no text comes twice", async () => {
  const ask = uniqueAsk("kites", "text=plain tokens=80 rate=0");
  const turn = newChat(ask);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => postTurn(turn, "the-same-token-everywhere")),
  );
  await expectOneMessage(answers.map((answer) => answer.turn));
  expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
  expect(answers.filter(({ text }) => text.includes("event: done"))).toHaveLength(1);
  await expectWhole(answers[0]!.turn, ask);
});

test.concurrent("a POST and the mutation of the same name at once make one message", async () => {
  const ask = uniqueAsk("sundials", "text=plain tokens=60 rate=0");
  const { kind, ...args } = newChat(ask);
  const [first, posted, second] = await Promise.all([
    client.mutation(api.chats.createChat, args),
    postTurn({ kind, ...args }, "one-token-of-one-driver"),
    // A client of its own: one sends its mutations one after another.
    new ConvexHttpClient(stack.deploymentUrl).mutation(api.chats.createChat, args),
  ]);
  expect(posted.status).toBe(200);
  await expectOneMessage([first, posted.turn, second]);
  await expectWhole(first, ask);
});
