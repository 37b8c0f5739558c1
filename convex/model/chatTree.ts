/** The tree of a chat's messages: where a new turn is attached, and how it is begun. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { describeTooLong, maxPromptLength } from "../shared/promptLength.ts";
import { hasEnded } from "../shared/streamEvents.ts";
import type { Turn } from "../shared/streamEvents.ts";
import { appError } from "./appError.ts";
import { createStream, nameStream } from "./replyStreams.ts";
import { seedReply } from "./replySeed.ts";
import { storeText } from "./replyText.ts";
import { queueRun } from "./runLifecycle.ts";
import { cutAt } from "./textPieces.ts";

const maxRequestIdLength = 200;

/** What a reply begins with: the text of an earlier version, which broke off. */
export interface Beginning {
  continues: Id<"messages">;
  text: string;
}

/** Inserts a user message and begins its first reply. */
export async function beginTurn(
  ctx: MutationCtx,
  turn: {
    chatId: Id<"chats">;
    parentId: Id<"messages"> | null;
    clientRequestId: string | null;
    text: string;
    model: string;
  },
): Promise<Turn> {
  const { chatId, parentId, clientRequestId, text, model } = turn;
  const userMessageId = await ctx.db.insert("messages", {
    chatId,
    parentId,
    role: "user",
    clientRequestId,
    reply: null,
  });
  await storeText(ctx, userMessageId, text);
  return await beginReply(ctx, { chatId, userMessageId, clientRequestId: null, model, beginning: null });
}

/** Inserts the placeholder of a reply to a user message, the reply's first stream and its queued run. */
export async function beginReply(
  ctx: MutationCtx,
  reply: {
    chatId: Id<"chats">;
    userMessageId: Id<"messages">;
    /** The name of the request for this reply alone; null when it came with its user message. */
    clientRequestId: string | null;
    model: string;
    beginning: Beginning | null;
  },
): Promise<Turn> {
  const { chatId, userMessageId, clientRequestId, model, beginning } = reply;
  const streamId = await createStream(ctx);
  const messageId = await ctx.db.insert("messages", {
    chatId,
    parentId: userMessageId,
    role: "assistant",
    clientRequestId,
    reply: {
      streamId,
      status: "queued",
      attempt: 1,
      model,
      finishReason: null,
      error: null,
      usage: null,
      costUsd: null,
      ...(beginning === null ? {} : { continues: beginning.continues }),
    },
  });
  await nameStream(ctx, { chatId, messageId }, streamId, 0);
  await queueRun(ctx, { chatId, messageId, streamId, model });
  if (beginning !== null) {
    await seedReply(ctx, streamId, beginning.text);
  }
  return { chatId, userMessageId, messageId, streamId };
}

/** The turn that an earlier request of the same name began in the chat; null if there was none. */
export async function turnOfRequest(
  ctx: MutationCtx,
  chatId: Id<"chats">,
  clientRequestId: string,
): Promise<Turn | null> {
  const message = await ctx.db
    .query("messages")
    .withIndex("by_request", (q) => q.eq("chatId", chatId).eq("clientRequestId", clientRequestId))
    .unique();
  if (message === null) {
    return null;
  }
  return message.role === "user" ? await turnOfUserMessage(ctx, message) : turnOfReply(message);
}

/** The first turn of a chat; null if it is being deleted. */
export async function firstTurn(ctx: MutationCtx, chatId: Id<"chats">): Promise<Turn | null> {
  const userMessage = await ctx.db
    .query("messages")
    .withIndex("by_chat", (q) => q.eq("chatId", chatId))
    .first();
  return userMessage === null ? null : await turnOfUserMessage(ctx, userMessage);
}

/** With the first reply: others were asked for later. */
async function turnOfUserMessage(
  ctx: MutationCtx,
  { _id: userMessageId }: Doc<"messages">,
): Promise<Turn | null> {
  const reply = await ctx.db
    .query("messages")
    .withIndex("by_parent", (q) => q.eq("parentId", userMessageId))
    .first();
  return reply === null ? null : turnOfReply(reply);
}

function turnOfReply({ _id: messageId, chatId, parentId, reply }: Doc<"messages">): Turn | null {
  return reply === null || parentId === null
    ? null
    : { chatId, userMessageId: parentId, messageId, streamId: reply.streamId };
}

/** A client's name for a request, by which it is not carried out twice. Throws `invalidInput`. */
export function checkedRequestId(clientRequestId: string): string {
  const hasLength = clientRequestId !== "" && clientRequestId.length <= maxRequestIdLength;
  if (!hasLength || !clientRequestId.isWellFormed()) {
    throw appError({
      kind: "invalidInput",
      field: "clientRequestId",
      message: `A request id has 1 to ${maxRequestIdLength} characters, such as a UUID.`,
    });
  }
  return clientRequestId;
}

/**
 * The reply that a new turn answers: the one asked for, else the newest of the chat. Throws `chatBusy`
 * while it grows.
 */
export async function parentOfNewTurn(
  ctx: MutationCtx,
  chatId: Id<"chats">,
  parentId: string | undefined,
): Promise<Id<"messages"> | null> {
  const parent =
    parentId === undefined ? await newestMessage(ctx, chatId) : await replyOfChat(ctx, chatId, parentId);
  requireEnd(parent);
  return parent?._id ?? null;
}

/** Throws `chatBusy` for a reply that is still growing. */
export function requireEnd(message: Doc<"messages"> | null): void {
  if (message?.reply && !hasEnded(message.reply.status)) {
    throw stillGrowing();
  }
}

export function stillGrowing() {
  return appError({
    kind: "chatBusy",
    message: "The reply is still being written. Wait for its end or stop it, then try again.",
  });
}

async function newestMessage(ctx: QueryCtx, chatId: Id<"chats">): Promise<Doc<"messages"> | null> {
  return await ctx.db
    .query("messages")
    .withIndex("by_chat", (q) => q.eq("chatId", chatId))
    .order("desc")
    .first();
}

async function replyOfChat(ctx: QueryCtx, chatId: Id<"chats">, messageId: string): Promise<Doc<"messages">> {
  const id = ctx.db.normalizeId("messages", messageId);
  const message = id === null ? null : await ctx.db.get("messages", id);
  if (message === null || message.chatId !== chatId || message.reply === null) {
    throw appError({ kind: "notFound", message: "What the message answers is not a reply of this chat." });
  }
  return message;
}

/** The text of a user message; throws `invalidInput` for the argument `field`. */
export function checkedPrompt(text: string, field: "text" | "prompt"): string {
  if (text.trim() === "") {
    throw appError({ kind: "invalidInput", field, message: "The message is empty." });
  }
  if (text.length > maxPromptLength) {
    throw appError({
      kind: "invalidInput",
      field,
      message: describeTooLong(text.length),
    });
  }
  return text;
}

/** UTF-16 units of a title that is made of the prompt: it fits the list of chats. */
const maxTitleLengthFromPrompt = 60;

/** The beginning of the first line that says anything, cut at a word end. */
export function titleFromPrompt(prompt: string): string {
  const line = prompt.trim().split("\n")[0]?.trim() ?? "";
  if (line.length <= maxTitleLengthFromPrompt) {
    return line;
  }
  const cut = cutAt(line, maxTitleLengthFromPrompt);
  const wordEnd = cut.lastIndexOf(" ");
  return `${wordEnd > 0 ? cut.slice(0, wordEnd) : cut}…`;
}
