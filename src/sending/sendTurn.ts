/** Takes a request from Enter to the server and starts its reply; the one place that drives. */
import type { ConvexReactClient } from "convex/react";
import type { Turn } from "../../convex/shared/streamEvents.ts";
import { api } from "../../convex/_generated/api.js";
import { describeError, describeStopFailure } from "../describeError.ts";
import { mintToken } from "./clientTokens.ts";
import { deliverTurn } from "./deliverTurn.ts";
import { drafts } from "./drafts.ts";
import { givenBackId } from "./givenBack.ts";
import { addToOutbox, readOutboxEntry, removeFromOutbox, type OutboxEntry } from "./outbox.ts";
import { keepOwnText } from "./ownTexts.ts";
import { pendingSends } from "./pendingSends.ts";
import { holdWhileSending } from "./sendLocks.ts";
import { draftKeyOf, textOf, wellFormed, type NewTurn } from "./turnRequest.ts";

export type SendResult = { kind: "sent"; turn: Turn } | { kind: "failed" };

/** What a caller gets at once, and what it may wait for. */
export interface Sending {
  clientRequestId: string;
  /** Does not settle while there is no network. */
  result: Promise<SendResult>;
}

/** Where the request is shown until the server lists it. */
export interface SendingPage {
  /** Null for the page that makes a chat. */
  chatId: string | null;
  /** Of that page. */
  pageKey?: string;
  /** Under which the request was promised before; otherwise it gets an id of its own. */
  clientRequestId?: string | undefined;
}

/**
 * Shows the request at once, hands it to the server and, when the server has it, lets its reply be driven from this tab.
 * What is refused goes back to where it was written, with the reason.
 */
export function sendTurn(convex: ConvexReactClient, turn: NewTurn, page: SendingPage): Sending {
  const asked = wellFormed(turn);
  const text = textOf(asked);
  const draftKey = draftKeyOf(asked, page.chatId);
  const knownId = page.clientRequestId ?? (text === null ? null : givenBackId(draftKey, text));
  const clientRequestId = knownId ?? mintToken();
  const entry: OutboxEntry = {
    request: { ...asked, clientRequestId },
    chatId: page.chatId,
    pageKey: page.pageKey ?? null,
    sentAtMs: Date.now(),
  };
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  holdWhileSending(clientRequestId, settled);
  const isKept = addToOutbox(entry);
  if (text !== null) drafts.write(draftKey, "");
  // In a full storage the draft has just made room.
  if (!isKept && !addToOutbox(entry)) keptNowhere.add(clientRequestId);
  const result = deliver(convex, entry).finally(() => {
    keptNowhere.delete(clientRequestId);
    settle();
  });
  return { clientRequestId, result };
}

/** Requests on their way that the storage has no room for. */
const keptNowhere = new Set<string>();

/** Whether something that the person wrote would be gone with this page. */
export function wouldLoseText(): boolean {
  return keptNowhere.size > 0 || drafts.hasUnkept;
}

/** Shows a request that is written down, and sends it until the server has answered. */
export async function deliver(convex: ConvexReactClient, entry: OutboxEntry): Promise<SendResult> {
  const { request, chatId, pageKey } = entry;
  const { clientRequestId } = request;
  const text = textOf(request);
  if (text !== null) keepOwnText(clientRequestId, text);
  pendingSends.add({ request, chatId, pageKey, turn: null });
  if (entry.isStopWanted) stopWanted.add(clientRequestId);
  let turn: Turn;
  try {
    turn = await deliverTurn(convex, request);
  } catch (error) {
    stopWanted.delete(clientRequestId);
    giveBack(entry, describeError(error));
    return { kind: "failed" };
  }
  pendingSends.accept(clientRequestId, turn);
  if (stopWanted.delete(clientRequestId)) await stopReply(convex, turn, draftKeyOf(request, chatId));
  // Last: a page that dies before leaves the wish to the next one.
  removeFromOutbox(clientRequestId);
  return { kind: "sent", turn };
}

/** Requests on their way whose replies are to be stopped as soon as the server has them. */
const stopWanted = new Set<string>();

/** Stops the reply to a request that the server may not have yet, be it from the page that comes after this one. */
export function stopWhenSent(clientRequestId: string): void {
  stopWanted.add(clientRequestId);
  const entry = readOutboxEntry(clientRequestId);
  if (entry !== null) addToOutbox({ ...entry, isStopWanted: true });
}

async function stopReply(convex: ConvexReactClient, { messageId }: Turn, draftKey: string): Promise<void> {
  try {
    await convex.mutation(api.messages.stop, { messageId });
  } catch (error) {
    drafts.reportProblem(draftKey, describeStopFailure(error));
  }
}

/** Puts what the person wrote back into its composer. */
export function giveBack({ request, chatId }: OutboxEntry, problem: string | null): void {
  const draftKey = draftKeyOf(request, chatId);
  const text = textOf(request);
  const { clientRequestId } = request;
  if (text !== null) drafts.giveBackRequest(draftKey, { clientRequestId, text }, problem);
  else if (problem !== null) drafts.reportProblem(draftKey, problem);
  // Last: until now it is written down in one place at least.
  removeFromOutbox(clientRequestId);
  pendingSends.remove(new Set([clientRequestId]));
}
