/** The rows of a conversation: what the server lists, followed by what this tab has sent and the list does not show yet. */
import type { FunctionReturnType } from "convex/server";
import type { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import type { PendingSend } from "../sending/pendingSends.ts";
import { textOf } from "../sending/turnRequest.ts";

export type ListedMessage = FunctionReturnType<typeof api.messages.list>[number];
export type ListedReply = NonNullable<ListedMessage["reply"]>;

export type ConversationRow =
  | { kind: "user"; key: string; messageId: Id<"messages"> | null; text: string | null }
  /** `reply` is null until the server has named the stream. */
  | {
      kind: "reply";
      key: string;
      messageId: Id<"messages"> | null;
      reply: ListedReply | null;
      model: string;
    };

/**
 * Keys stay the same while a pending message becomes a listed one, so that nothing on the screen is made anew.
 * `ownTexts` holds what this tab sent, by request id: no query needed for it.
 */
export function conversationRows(
  listed: readonly ListedMessage[],
  pending: readonly PendingSend[],
  ownTexts: ReadonlyMap<string, string>,
): ConversationRow[] {
  const requestIds = new Map<string, string>();
  for (const message of listed) {
    if (message.clientRequestId !== null) requestIds.set(message._id, message.clientRequestId);
  }
  const rows = listed.map((message) => listedRow(message, requestIds, ownTexts));
  const known = new Set(requestIds.values());
  for (const send of pending) {
    if (!known.has(send.request.clientRequestId)) rows.push(...pendingRows(send));
  }
  return rows;
}

function listedRow(
  message: ListedMessage,
  requestIds: ReadonlyMap<string, string>,
  ownTexts: ReadonlyMap<string, string>,
): ConversationRow {
  const { _id: messageId, clientRequestId, reply } = message;
  if (reply === null) {
    const text = clientRequestId === null ? null : (ownTexts.get(clientRequestId) ?? null);
    return { kind: "user", key: clientRequestId ?? messageId, messageId, text };
  }
  const asked = message.parentId === null ? undefined : requestIds.get(message.parentId);
  const key = asked === undefined ? messageId : `${asked}.reply`;
  return { kind: "reply", key, messageId, reply, model: reply.model };
}

function pendingRows({ request, turn }: PendingSend): ConversationRow[] {
  const { clientRequestId, model = "" } = request;
  const text = textOf(request);
  const reply: ListedReply | null =
    turn === null
      ? null
      : {
          streamId: turn.streamId,
          status: "queued",
          attempt: 0,
          model,
          error: null,
          usage: null,
          costUsd: null,
        };
  const key = `${clientRequestId}.reply`;
  const replyRow: ConversationRow = { kind: "reply", key, messageId: turn?.messageId ?? null, reply, model };
  if (text === null) return [replyRow];
  return [{ kind: "user", key: clientRequestId, messageId: turn?.userMessageId ?? null, text }, replyRow];
}
