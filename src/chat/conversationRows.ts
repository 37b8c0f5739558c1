/**
 * The rows of a conversation: the shown path through what the server lists and what this tab has asked for and the list
 * does not show yet.
 */
import type { FunctionReturnType } from "convex/server";
import type { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import type { PendingSend } from "../sending/pendingSends.ts";
import { textOf } from "../sending/turnRequest.ts";
import { shownPath, type ChosenVersions, type PathStep, type TreeMessage } from "./messageTree.ts";

export type ListedMessage = FunctionReturnType<typeof api.messages.list>[number];
export type ListedReply = NonNullable<ListedMessage["reply"]>;

/** A message with its place among its versions. `place` is where they stand, `ids` names them in order. */
export interface Versions {
  place: string;
  ids: readonly string[];
  /** Of the one that is shown. */
  index: number;
}

interface RowBase {
  key: string;
  /** Null until the server has it. */
  messageId: Id<"messages"> | null;
  versions: Versions;
}

export interface UserRow extends RowBase {
  kind: "user";
  /** The text where this tab wrote it. */
  text: string | null;
}

export interface ReplyRow extends RowBase {
  kind: "reply";
  /** Null until the server has named the stream. */
  reply: ListedReply | null;
  model: string;
  /** What asked for it, while the server does not list it. */
  clientRequestId: string | null;
  /** The stream of the earlier version whose text this reply begins with. */
  beginsWith: string | null;
}

export type ConversationRow = UserRow | ReplyRow;

/** A row that has not been given its place on the path yet, with its place in the tree. */
type TreeRow = TreeMessage & (Omit<UserRow, "versions"> | Omit<ReplyRow, "versions">);

/** Everything that belongs to the chat, oldest first, whichever path it is on. */
export type ConversationTree = readonly TreeRow[];

/**
 * Keys stay the same while a pending message becomes a listed one, so that nothing on the screen is made anew.
 * `ownTexts` holds what this tab sent, by request id: no query needed for it.
 */
export function conversationTree(
  listed: readonly ListedMessage[],
  pending: readonly PendingSend[],
  ownTexts: ReadonlyMap<string, string>,
): ConversationTree {
  const byId = new Map<string, ListedMessage>(listed.map((message) => [message._id, message]));
  const rows = listed.map((message) => listedRow(message, byId, ownTexts));
  const known = new Set(listed.map((message) => message.clientRequestId));
  for (const send of pending) {
    if (!known.has(send.request.clientRequestId)) rows.push(...pendingRows(send, byId));
  }
  return rows;
}

export function conversationRows(tree: ConversationTree, chosen: ChosenVersions): ConversationRow[] {
  return shownPath(tree, chosen).map(pathRow);
}

function pathRow({ message, fork, versions }: PathStep<TreeRow>): ConversationRow {
  const ids = versions.map(({ id }) => id);
  const { id, parentId: _, ...row } = message;
  return { ...row, versions: { place: fork, ids, index: ids.indexOf(id) } };
}

function listedRow(
  message: ListedMessage,
  byId: ReadonlyMap<string, ListedMessage>,
  ownTexts: ReadonlyMap<string, string>,
): TreeRow {
  const { _id: messageId, parentId, clientRequestId, reply } = message;
  const base = { id: messageId, parentId, messageId };
  if (reply === null) {
    const text = clientRequestId === null ? null : (ownTexts.get(clientRequestId) ?? null);
    return { ...base, kind: "user", key: clientRequestId ?? messageId, text };
  }
  // A reply that came with its message has no request of its own.
  const asked = parentId === null ? undefined : byId.get(parentId)?.clientRequestId;
  const key = clientRequestId ?? (asked ? replyKey(asked) : messageId);
  const beginsWith = reply.continues === null ? null : streamOf(byId, reply.continues);
  return { ...base, kind: "reply", key, reply, model: reply.model, clientRequestId: null, beginsWith };
}

function pendingRows({ request, turn }: PendingSend, byId: ReadonlyMap<string, ListedMessage>): TreeRow[] {
  const { clientRequestId } = request;
  const model = request.model ?? "";
  const userId = turn?.userMessageId ?? `${clientRequestId}.message`;
  const reply = (replyTo: {
    parentId: string | null;
    key: string;
    continues: Id<"messages"> | null;
  }): TreeRow => ({
    id: turn?.messageId ?? `${clientRequestId}.reply`,
    parentId: replyTo.parentId,
    kind: "reply",
    key: replyTo.key,
    messageId: turn?.messageId ?? null,
    reply: turn === null ? null : queuedReply(turn.streamId, model, replyTo.continues),
    model,
    clientRequestId,
    beginsWith: replyTo.continues === null ? null : streamOf(byId, replyTo.continues),
  });
  if (request.kind === "regenerate" || request.kind === "continue") {
    const version = byId.get(request.messageId);
    const continues = request.kind === "continue" ? (version?._id ?? null) : null;
    return [reply({ parentId: version?.parentId ?? null, key: clientRequestId, continues })];
  }
  const user: TreeRow = {
    id: userId,
    parentId: parentOfRequest(request, byId),
    kind: "user",
    key: clientRequestId,
    messageId: turn?.userMessageId ?? null,
    text: textOf(request),
  };
  return [user, reply({ parentId: userId, key: replyKey(clientRequestId), continues: null })];
}

function parentOfRequest(
  request: Extract<PendingSend["request"], { kind: "newChat" | "message" | "edit" }>,
  byId: ReadonlyMap<string, ListedMessage>,
): string | null {
  switch (request.kind) {
    case "newChat":
      return null;
    case "message":
      return request.parentId ?? null;
    case "edit":
      return byId.get(request.messageId)?.parentId ?? null;
    default:
      return request satisfies never;
  }
}

function queuedReply(streamId: string, model: string, continues: Id<"messages"> | null): ListedReply {
  return {
    streamId,
    status: "queued",
    attempt: 0,
    model,
    finishReason: null,
    continues,
    error: null,
    usage: null,
    costUsd: null,
  };
}

function streamOf(byId: ReadonlyMap<string, ListedMessage>, messageId: string): string | null {
  return byId.get(messageId)?.reply?.streamId ?? null;
}

function replyKey(clientRequestId: string): string {
  return `${clientRequestId}.reply`;
}
