/** The tree of a chat's messages: where a new turn is attached, and how it is begun. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { createStream, nameStream } from "./replyStreams.ts";
import { hasEnded, storeText } from "./replyText.ts";
import { queueRun } from "./runLifecycle.ts";

/** UTF-16 units of one user message. */
export const maxPromptLength = 200_000;

export interface Turn {
  chatId: Id<"chats">;
  userMessageId: Id<"messages">;
  /** The reply. */
  messageId: Id<"messages">;
  streamId: string;
}

/** Inserts a user message, the placeholder of its reply, the reply's first stream and its queued run. */
export async function beginTurn(
  ctx: MutationCtx,
  turn: {
    chatId: Id<"chats">;
    parentId: Id<"messages"> | null;
    authorId: string;
    clientRequestId: string | null;
    text: string;
    model: string;
  },
): Promise<Turn> {
  const { chatId, parentId, authorId, clientRequestId, model } = turn;
  const text = checkedPrompt(turn.text);
  const userMessageId = await ctx.db.insert("messages", {
    chatId,
    parentId,
    role: "user",
    authorId,
    clientRequestId,
    reply: null,
  });
  await storeText(ctx, userMessageId, text);
  const streamId = await createStream(ctx);
  const messageId = await ctx.db.insert("messages", {
    chatId,
    parentId: userMessageId,
    role: "assistant",
    authorId: null,
    clientRequestId: null,
    reply: {
      streamId,
      status: "queued",
      attempt: 1,
      model,
      finishReason: null,
      error: null,
      usage: null,
      costUsd: null,
    },
  });
  await nameStream(ctx, { chatId, messageId }, streamId, 0);
  await queueRun(ctx, { chatId, messageId, streamId, model });
  return { chatId, userMessageId, messageId, streamId };
}

/** The turn that an earlier request with the same name began; null if there was none. */
export async function turnOfRequest(
  ctx: MutationCtx,
  authorId: string,
  clientRequestId: string,
): Promise<Turn | null> {
  const userMessage = await ctx.db
    .query("messages")
    .withIndex("by_request", (q) => q.eq("authorId", authorId).eq("clientRequestId", clientRequestId))
    .unique();
  if (userMessage === null) {
    return null;
  }
  const reply = await ctx.db
    .query("messages")
    .withIndex("by_parent", (q) => q.eq("parentId", userMessage._id))
    .first();
  if (reply?.reply === null || reply === null) {
    return null;
  }
  const { chatId, _id: userMessageId } = userMessage;
  return { chatId, userMessageId, messageId: reply._id, streamId: reply.reply.streamId };
}

/** The message that a new turn answers: the one asked for, else the newest of the chat. Throws `chatBusy` while it grows. */
export async function parentOfNewTurn(
  ctx: MutationCtx,
  chatId: Id<"chats">,
  parentId: string | undefined,
): Promise<Id<"messages"> | null> {
  const parent =
    parentId === undefined ? await newestMessage(ctx, chatId) : await messageOfChat(ctx, chatId, parentId);
  if (parent?.reply && !hasEnded(parent.reply.status)) {
    throw appError({
      kind: "chatBusy",
      message: "The last reply is still being written. Wait for its end or stop it, then send again.",
    });
  }
  return parent?._id ?? null;
}

async function newestMessage(ctx: QueryCtx, chatId: Id<"chats">): Promise<Doc<"messages"> | null> {
  return await ctx.db
    .query("messages")
    .withIndex("by_chat", (q) => q.eq("chatId", chatId))
    .order("desc")
    .first();
}

async function messageOfChat(
  ctx: QueryCtx,
  chatId: Id<"chats">,
  messageId: string,
): Promise<Doc<"messages">> {
  const id = ctx.db.normalizeId("messages", messageId);
  const message = id === null ? null : await ctx.db.get("messages", id);
  if (message === null || message.chatId !== chatId) {
    throw appError({ kind: "notFound", message: "The message that is answered is not in this chat." });
  }
  return message;
}

function checkedPrompt(text: string): string {
  if (text.trim() === "") {
    throw appError({ kind: "invalidInput", field: "text", message: "The message is empty." });
  }
  if (text.length > maxPromptLength) {
    throw appError({
      kind: "invalidInput",
      field: "text",
      message: `The message has ${text.length} characters; at most ${maxPromptLength} can be sent. Shorten it.`,
    });
  }
  return text;
}

const maxTitleLength = 60;

/** The beginning of the first line that says anything, cut at a word end. */
export function titleFromPrompt(prompt: string): string {
  const line = prompt.trim().split("\n")[0]?.trim() ?? "";
  if (line.length <= maxTitleLength) {
    return line;
  }
  const cut = line.slice(0, maxTitleLength);
  const wordEnd = cut.lastIndexOf(" ");
  return `${(wordEnd > 0 ? cut.slice(0, wordEnd) : cut).toWellFormed()}…`;
}
