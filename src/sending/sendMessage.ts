/** Takes a message from Enter to the server and starts its reply; the one place that drives. */
import type { ConvexReactClient } from "convex/react";
import { api } from "../../convex/_generated/api.js";
import { describeError } from "../describeError.ts";
import { chatStreamUrl } from "../deployment.ts";
import { replyStores } from "../streaming/replyStores.ts";
import { mintToken } from "./clientTokens.ts";
import { drafts, NEW_CHAT_DRAFT } from "./drafts.ts";
import { ownTexts } from "./ownTexts.ts";
import { addToOutbox, readOutbox, removeFromOutbox, type OutboxEntry } from "./outbox.ts";
import { pendingSends, type SentIds } from "./pendingSends.ts";

/** A message written down longer ago than this goes back to the composer rather than out by itself. */
const RESEND_WITHIN_MS = 10 * 60_000;

export type SendResult = { kind: "sent"; ids: SentIds } | { kind: "failed" };

export interface MessageToSend {
  /** Null starts a new chat with this message. */
  chatId: string | null;
  text: string;
  model: string | null;
}

/** What a caller gets at once, and what it may wait for. */
export interface Sending {
  clientRequestId: string;
  result: Promise<SendResult>;
}

/**
 * Shows the message at once, hands it to the server and, when the server has it, starts the reply from this tab.
 * A refused message goes back to its composer with the reason. While there is no network, the result is not settled.
 */
export function sendMessage(convex: ConvexReactClient, message: MessageToSend): Sending {
  const entry: OutboxEntry = { ...message, clientRequestId: mintToken(), sentAtMs: Date.now() };
  addToOutbox(entry);
  ownTexts.set(entry.clientRequestId, entry.text);
  pendingSends.add({ ...message, clientRequestId: entry.clientRequestId, ids: null });
  drafts.write(message.chatId ?? NEW_CHAT_DRAFT, "");
  return { clientRequestId: entry.clientRequestId, result: deliver(convex, entry) };
}

/**
 * Sends what an earlier page of this browser wrote down and never saw accepted. It starts no reply: the server has
 * perhaps begun it long ago, and runs a reply by itself when nobody comes for it.
 */
export async function resendOutbox(convex: ConvexReactClient): Promise<void> {
  for (const entry of readOutbox()) {
    if (Date.now() - entry.sentAtMs > RESEND_WITHIN_MS) {
      removeFromOutbox(entry.clientRequestId);
      drafts.giveBack(entry.chatId ?? NEW_CHAT_DRAFT, entry.text, null);
      continue;
    }
    await submit(convex, entry).then(
      () => removeFromOutbox(entry.clientRequestId),
      (error: unknown) => giveBack(entry, error),
    );
  }
}

async function deliver(convex: ConvexReactClient, entry: OutboxEntry): Promise<SendResult> {
  try {
    const ids = await submit(convex, entry);
    removeFromOutbox(entry.clientRequestId);
    replyStores.drive({
      streamId: ids.streamId,
      runToken: mintToken(),
      url: chatStreamUrl(),
      onTurnedAway: () => leaveToServer(convex, ids.messageId),
    });
    pendingSends.accept(entry.clientRequestId, ids);
    return { kind: "sent", ids };
  } catch (error) {
    giveBack(entry, error);
    return { kind: "failed" };
  }
}

/** The server would notice by itself that nobody drives this reply, some seconds later. */
function leaveToServer(convex: ConvexReactClient, messageId: SentIds["messageId"]): void {
  convex.mutation(api.messages.leaveToServer, { messageId }).catch(() => {
    // The chat may be gone by now, or the run taken by somebody else: nothing is left to do for this tab.
  });
}

function submit(convex: ConvexReactClient, entry: OutboxEntry): Promise<SentIds> {
  const { clientRequestId, text } = entry;
  const model = entry.model ?? undefined;
  if (entry.chatId === null)
    return convex.mutation(api.chats.createChat, { prompt: text, model, clientRequestId });
  return convex.mutation(api.messages.send, { chatId: entry.chatId, text, clientRequestId, model });
}

function giveBack(entry: OutboxEntry, error: unknown): void {
  removeFromOutbox(entry.clientRequestId);
  pendingSends.remove(new Set([entry.clientRequestId]));
  drafts.giveBack(entry.chatId ?? NEW_CHAT_DRAFT, entry.text, describeError(error));
}
