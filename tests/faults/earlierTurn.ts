/** The turn that is there before a scenario asks for another one: played to its end without faults, and remembered. */
import { ConvexHttpClient } from "convex/browser";
import { api } from "../../convex/_generated/api.js";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import type { NewTurn } from "../../src/sending/turnRequest.ts";
import type { EarlierMessage, Evidence } from "./evidence.ts";
import { askOf, type Scenario } from "./scenario.ts";
import { storedMessages } from "./storedReply.ts";
import type { ShownReply } from "./page/shownReply.ts";
import type { Turn } from "./tab.ts";
import type { World } from "./world.ts";

const lookMs = 20;
/** A machine that is too busy may kill its run twice. */
const giveUpAfterMs = 180_000;

export interface EarlierTurn {
  turn: Turn;
  /** Requests that it made to the model. */
  requestCount: number;
  messages: EarlierMessage[];
}

/** @throws Error when its reply does not end. */
export async function playEarlierTurn(world: World, scenario: Scenario): Promise<EarlierTurn> {
  const { firstAsk, marker } = askOf(scenario);
  const client = new ConvexHttpClient(world.address.url, { logger: false });
  const turn = await client.mutation(api.chats.createChat, { prompt: firstAsk, model: scenario.model });
  const driving = drive(world, turn);
  const giveUpAt = Date.now() + giveUpAfterMs;
  while (!(await hasEndedIn(client, turn))) {
    if (Date.now() > giveUpAt) throw new Error(await describeUnended(world, turn, marker));
    for (const request of world.requestsOf(marker)) {
      if (request.state === "onHold") await world.release(request);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
  await driving;
  const messages = await storedMessages(client, turn.chatId);
  return { turn, requestCount: world.requestsOf(marker).length, messages };
}

/** What the person asks for in this scenario. */
export function newTurnOf(scenario: Scenario, earlier: EarlierTurn | null): NewTurn {
  const { second, model } = scenario;
  const { ask } = askOf(scenario);
  if (second === null || earlier === null) return { kind: "newChat", prompt: ask, model };
  const { chatId, userMessageId, messageId } = earlier.turn;
  switch (second) {
    case "message":
      return { kind: "message", chatId, text: ask, parentId: messageId, model };
    case "edit":
      return { kind: "edit", messageId: userMessageId, text: ask, model };
    case "regenerate":
    case "retry":
      return { kind: "regenerate", messageId, model };
    case "continue":
      return { kind: "continue", messageId, model };
    default:
      return second satisfies never;
  }
}

/** What the rules have to know of it. */
export function evidenceOfEarlier(
  scenario: Scenario,
  { messages }: EarlierTurn,
): Pick<Evidence, "path" | "earlier" | "base" | "messages"> {
  const ask = { role: "user" as const, text: askOf(scenario).ask };
  const before = messages.map(({ role, text }) => ({ role, text: text ?? "" }));
  const hasOwnMessage = scenario.second === "message" || scenario.second === "edit";
  return {
    path: scenario.second === "message" ? [...before, ask] : [ask],
    earlier: messages,
    base: scenario.second === "continue" ? (before.at(-1)?.text ?? "") : "",
    messages: { user: hasOwnMessage ? 2 : 1, replies: 2 },
  };
}

export function shownReplyOf({ turn, messages }: EarlierTurn): ShownReply {
  const { text, reply } = messages.find(({ id }) => id === turn.messageId)!;
  const { status, attempt } = JSON.parse(reply) as Pick<ShownReply, "status" | "attempt">;
  return { ...turn, text: text ?? "", status, attempt };
}

/** Where the new reply stands in the tree: ids, from its parent up. */
export function ancestorsOf({ second }: Scenario, turn: Turn, earlier: EarlierTurn | null): string[] {
  if (second === null || earlier === null || second === "edit") return [turn.userMessageId];
  const { userMessageId, messageId } = earlier.turn;
  return second === "message" ? [turn.userMessageId, messageId, userMessageId] : [userMessageId];
}

async function drive({ address }: World, { streamId }: Turn): Promise<void> {
  const response = await fetch(`${address.siteUrl}/chat-stream`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ streamId }),
  });
  await response.text();
}

async function describeUnended(world: World, turn: Turn, marker: string): Promise<string> {
  const client = new ConvexHttpClient(world.address.url, { logger: false });
  const [message] = (await storedMessages(client, turn.chatId)).slice(-1);
  const states = world
    .requestsOf(marker)
    .map(({ state, unsentTokens }) => `${state} with ${unsentTokens} tokens to go`);
  return `The turn before “${marker}” does not end: ${message?.reply}; the model is ${states.join(", ") || "not asked"}.`;
}

async function hasEndedIn(client: ConvexHttpClient, { chatId, messageId }: Turn): Promise<boolean> {
  const messages = await client.query(api.messages.list, { chatId });
  const status = messages.find(({ _id }) => _id === messageId)?.reply?.status;
  return status !== undefined && hasEnded(status);
}
