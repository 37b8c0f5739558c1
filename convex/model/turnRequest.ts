/**
 * Requests that begin a turn, however they come: by a mutation, or with the POST that drives the reply. Each carries the
 * client's own name for it, by which it is carried out once.
 */
import { v } from "convex/values";
import type { Infer } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { chooseModel } from "../providers/modelChoice.ts";
import type { Turn } from "../shared/streamEvents.ts";
import { readableChat, requireChat, requireUser } from "./access.ts";
import { appError } from "./appError.ts";
import {
  beginReply,
  beginTurn,
  checkedPrompt,
  checkedRequestId,
  firstTurn,
  parentOfNewTurn,
  requireEnd,
  titleFromPrompt,
  turnOfRequest,
} from "./chatTree.ts";
import { beginningOf } from "./continuation.ts";
import { cutAt } from "./textPieces.ts";

/** UTF-16 units of a title that a client gives. */
const maxGivenTitleLength = 200;

export const newChatFields = {
  prompt: v.string(),
  title: v.optional(v.string()),
  model: v.optional(v.string()),
  clientRequestId: v.optional(v.string()),
};

export const messageFields = {
  chatId: v.string(),
  text: v.string(),
  clientRequestId: v.string(),
  /** The message that is answered; by default the newest of the chat. */
  parentId: v.optional(v.string()),
  model: v.optional(v.string()),
};

/** A new version of a user message, beside the one it changes; whatever grows meanwhile goes on. */
export const editFields = {
  messageId: v.string(),
  text: v.string(),
  clientRequestId: v.string(),
  model: v.optional(v.string()),
};

/** A new version of a reply, beside the one named, which has ended. */
export const regenerateFields = {
  messageId: v.string(),
  clientRequestId: v.string(),
  model: v.optional(v.string()),
};

/** A new version of a reply that broke off: it begins with all that is there of it. */
export const continueFields = regenerateFields;

export const turnRequestValidator = v.union(
  v.object({ kind: v.literal("newChat"), ...newChatFields }),
  v.object({ kind: v.literal("message"), ...messageFields }),
  v.object({ kind: v.literal("edit"), ...editFields }),
  v.object({ kind: v.literal("regenerate"), ...regenerateFields }),
  v.object({ kind: v.literal("continue"), ...continueFields }),
);

export type TurnRequest = Infer<typeof turnRequestValidator>;
type RequestOf<Kind extends TurnRequest["kind"]> = Extract<TurnRequest, { kind: Kind }>;

export const turnValidator = v.object({
  chatId: v.id("chats"),
  userMessageId: v.id("messages"),
  messageId: v.id("messages"),
  streamId: v.string(),
});

/**
 * Begins the turn, or answers the one that an earlier request of the same name began. Throws `notFound`, `invalidInput`,
 * `chatBusy` and `modelUnavailable`; nothing is written then.
 */
export async function beginRequestedTurn(ctx: MutationCtx, request: TurnRequest): Promise<Turn> {
  switch (request.kind) {
    case "newChat":
      return await beginChat(ctx, request);
    case "message":
      return await beginMessage(ctx, request);
    case "edit":
      return await beginEdit(ctx, request);
    case "regenerate":
    case "continue":
      return await beginAnotherReply(ctx, request);
    default:
      return request satisfies never;
  }
}

async function beginChat(ctx: MutationCtx, request: RequestOf<"newChat">): Promise<Turn> {
  const { userId } = await requireUser(ctx);
  const clientRequestId =
    request.clientRequestId === undefined ? null : checkedRequestId(request.clientRequestId);
  const earlier = clientRequestId === null ? null : await turnOfCreation(ctx, userId, clientRequestId);
  if (earlier !== null) {
    return earlier;
  }
  const text = checkedPrompt(request.prompt, "prompt");
  const model = chooseModel(process.env, request.model);
  const chatId = await ctx.db.insert("chats", {
    ownerId: userId,
    lifecycle: "live",
    clientRequestId,
    title: cutAt((request.title ?? "").trim(), maxGivenTitleLength) || titleFromPrompt(text),
    model,
    status: "replying",
    updatedAt: Date.now(),
  });
  await ctx.db.insert("chatAccess", { chatId, ownerId: userId });
  return await beginTurn(ctx, { chatId, parentId: null, clientRequestId, text, model });
}

async function beginMessage(ctx: MutationCtx, request: RequestOf<"message">): Promise<Turn> {
  const chatId = await requireChat(ctx, request.chatId);
  const clientRequestId = checkedRequestId(request.clientRequestId);
  const earlier = await turnOfRequest(ctx, chatId, clientRequestId);
  if (earlier !== null) {
    return earlier;
  }
  const text = checkedPrompt(request.text, "text");
  const parentId = await parentOfNewTurn(ctx, chatId, request.parentId);
  const model = await modelForChat(ctx, chatId, request.model);
  return await beginTurn(ctx, { chatId, parentId, clientRequestId, text, model });
}

async function beginEdit(ctx: MutationCtx, request: RequestOf<"edit">): Promise<Turn> {
  const { chatId, parentId } = await messageOfRole(ctx, request.messageId, "user");
  const clientRequestId = checkedRequestId(request.clientRequestId);
  const earlier = await turnOfRequest(ctx, chatId, clientRequestId);
  if (earlier !== null) {
    return earlier;
  }
  const text = checkedPrompt(request.text, "text");
  const model = await modelForChat(ctx, chatId, request.model);
  return await beginTurn(ctx, { chatId, parentId, clientRequestId, text, model });
}

/** While the version named still grows, another one is refused; what the chat's other replies do is no matter. */
async function beginAnotherReply(
  ctx: MutationCtx,
  request: RequestOf<"regenerate" | "continue">,
): Promise<Turn> {
  const version = await messageOfRole(ctx, request.messageId, "assistant");
  const { chatId, parentId: userMessageId } = version;
  const clientRequestId = checkedRequestId(request.clientRequestId);
  const earlier = await turnOfRequest(ctx, chatId, clientRequestId);
  if (earlier !== null) {
    return earlier;
  }
  if (userMessageId === null) {
    throw appError({ kind: "internal", message: "This reply answers no message." });
  }
  requireEnd(version);
  const beginning = request.kind === "continue" ? await beginningOf(ctx, version) : null;
  const model = await modelForChat(ctx, chatId, request.model);
  return await beginReply(ctx, { chatId, userMessageId, clientRequestId, model, beginning });
}

/** The model of the new turn, which is the chat's from now on; the chat is shown as replying. */
async function modelForChat(
  ctx: MutationCtx,
  chatId: Doc<"chats">["_id"],
  wanted: string | undefined,
): Promise<string> {
  const chat = await ctx.db.get("chats", chatId);
  const model = chooseModel(process.env, wanted, chat?.model);
  await ctx.db.patch("chats", chatId, { status: "replying", model, updatedAt: Date.now() });
  return model;
}

/** Throws `notFound` for what the user cannot see and for a message of the other role. */
async function messageOfRole(
  ctx: MutationCtx,
  messageId: string,
  role: Doc<"messages">["role"],
): Promise<Doc<"messages">> {
  const id = ctx.db.normalizeId("messages", messageId);
  const message = id === null ? null : await ctx.db.get("messages", id);
  if (message?.role !== role || (await readableChat(ctx, message.chatId)) === null) {
    const what = role === "user" ? "message of yours" : "reply";
    throw appError({ kind: "notFound", message: `There is no such ${what}.` });
  }
  return message;
}

/**
 * The first turn of the chat that an earlier request of the same name created; null if there was none. Throws `notFound`
 * while that chat is being removed: a repeated request is no wish for another one.
 */
async function turnOfCreation(ctx: MutationCtx, ownerId: string, requestId: string): Promise<Turn | null> {
  for (const lifecycle of ["live", "deleting", "purging"] as const) {
    const chat = await ctx.db
      .query("chats")
      .withIndex("by_request", (q) =>
        q.eq("ownerId", ownerId).eq("lifecycle", lifecycle).eq("clientRequestId", requestId),
      )
      .first();
    if (chat !== null && lifecycle !== "live") {
      throw appError({ kind: "notFound", message: "The chat that this request created was deleted." });
    }
    if (chat !== null) {
      return await firstTurn(ctx, chat._id);
    }
  }
  return null;
}
