/** Takes a message from Enter to the server and starts its reply; the one place that drives. */
import type { ConvexReactClient } from "convex/react";
import { api } from "../../convex/_generated/api.js";
import { describeError } from "../describeError.ts";
import { chatStreamUrl } from "../deployment.ts";
import { replyStores } from "../streaming/replyStores.ts";
import { mintToken } from "./clientTokens.ts";
import { drafts, NEW_CHAT_DRAFT } from "./drafts.ts";
import { keepOwnText } from "./ownTexts.ts";
import { addToOutbox, readOutbox, removeFromOutbox, type OutboxEntry } from "./outbox.ts";
import { pendingSends, type SentIds } from "./pendingSends.ts";

/** A message written down longer ago than this goes back to the composer rather than out by itself. */
const RESEND_WITHIN_MS = 10 * 60_000;

type SendResult = { kind: "sent"; ids: SentIds } | { kind: "failed" };

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
  keepOwnText(entry.clientRequestId, entry.text);
  pendingSends.add({ ...message, clientRequestId: entry.clientRequestId, ids: null });
  drafts.write(message.chatId ?? NEW_CHAT_DRAFT, "");
  return { clientRequestId: entry.clientRequestId, result: deliver(convex, entry) };
}

/**
 * Sends what an earlier page of this browser wrote down and never saw accepted. It drives no reply: somebody has
 * perhaps begun it long ago, and if nobody has, the server is told not to wait for a driver.
 */
export async function resendOutbox(convex: ConvexReactClient): Promise<void> {
  for (const entry of readOutbox()) {
    if (Date.now() - entry.sentAtMs > RESEND_WITHIN_MS) {
      removeFromOutbox(entry.clientRequestId);
      drafts.giveBack(entry.chatId ?? NEW_CHAT_DRAFT, entry.text, null);
      continue;
    }
    await submit(convex, entry).then(
      ({ messageId }) => {
        removeFromOutbox(entry.clientRequestId);
        leaveToServer(convex, messageId);
      },
      (error: unknown) => giveBack(entry, error),
    );
  }
}

async function deliver(convex: ConvexReactClient, entry: OutboxEntry): Promise<SendResult> {
  let ids: SentIds;
  try {
    ids = await submit(convex, entry);
  } catch (error) {
    giveBack(entry, error);
    return { kind: "failed" };
  }
  removeFromOutbox(entry.clientRequestId);
  driveReply(convex, ids);
  pendingSends.accept(entry.clientRequestId, ids);
  return { kind: "sent", ids };
}

/** Never throws: the message is the server's by now, whatever goes wrong in this tab. */
function driveReply(convex: ConvexReactClient, { streamId, messageId }: SentIds): void {
  const onTurnedAway = () => leaveToServer(convex, messageId);
  try {
    replyStores.drive({ streamId, runToken: mintToken(), url: chatStreamUrl(), onTurnedAway });
  } catch (error) {
    console.error("This tab could not drive the reply and leaves it to the server.", error);
    onTurnedAway();
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
