/** Messages: sending one, reading their metadata and texts, following and stopping a reply. */
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { mutation, query } from "./_generated/server.js";
import type { MutationCtx } from "./_generated/server.js";
import { readableChat } from "./model/access.ts";
import { listLength } from "./model/listLength.ts";
import { appError } from "./model/appError.ts";
import { storedText } from "./model/replyText.ts";
import { offerRunToServer, stopRun } from "./model/runLifecycle.ts";
import {
  beginRequestedTurn,
  continueFields,
  editFields,
  messageFields,
  regenerateFields,
  turnValidator,
} from "./model/turnRequest.ts";
import { defaultListLength, maxListLength } from "./shared/messageList.ts";
import { finishReasonValidator, replyErrorValidator, runStatusValidator } from "./schema.ts";

export const send = mutation({
  args: messageFields,
  returns: turnValidator,
  handler: async (ctx, args) => await beginRequestedTurn(ctx, { kind: "message", ...args }),
});

/** Sends a changed version of a user message, beside the one it changes, which stays. */
export const edit = mutation({
  args: editFields,
  returns: turnValidator,
  handler: async (ctx, args) => await beginRequestedTurn(ctx, { kind: "edit", ...args }),
});

/** Asks for another reply beside this one, which stays. */
export const regenerate = mutation({
  args: regenerateFields,
  returns: turnValidator,
  handler: async (ctx, args) => await beginRequestedTurn(ctx, { kind: "regenerate", ...args }),
});

/** Asks for another version of a reply that broke off, which begins with its text and goes on; the earlier one stays. */
export const continueReply = mutation({
  args: continueFields,
  returns: turnValidator,
  handler: async (ctx, args) => await beginRequestedTurn(ctx, { kind: "continue", ...args }),
});

/** Metadata of the chat's newest messages, oldest first; texts are queries of their own. */
export const list = query({
  args: { chatId: v.string(), limit: v.optional(v.number()) },
  returns: v.array(
    v.object({
      _id: v.id("messages"),
      _creationTime: v.number(),
      chatId: v.id("chats"),
      parentId: v.union(v.id("messages"), v.null()),
      role: v.union(v.literal("user"), v.literal("assistant")),
      clientRequestId: v.union(v.string(), v.null()),
      reply: v.union(
        v.null(),
        v.object({
          streamId: v.string(),
          status: runStatusValidator,
          attempt: v.number(),
          model: v.string(),
          finishReason: v.union(finishReasonValidator, v.null()),
          /** The earlier version whose text this one begins with. */
          continues: v.union(v.id("messages"), v.null()),
          error: v.union(replyErrorValidator, v.null()),
          usage: v.union(v.object({ inputTokens: v.number(), outputTokens: v.number() }), v.null()),
          costUsd: v.union(v.number(), v.null()),
          /** There and true while the reply waits for its turn, because as many are being written as may. */
          waitsForPlace: v.optional(v.boolean()),
          /** There and true when `reasoning.get` has something to tell. */
          hasReasoning: v.optional(v.boolean()),
        }),
      ),
    }),
  ),
  handler: async (ctx, { limit = defaultListLength, ...args }) => {
    const chatId = await readableChat(ctx, args.chatId);
    if (chatId === null) {
      return [];
    }
    const length = listLength(limit, maxListLength);
    const newestFirst = await ctx.db
      .query("messages")
      .withIndex("by_chat", (q) => q.eq("chatId", chatId))
      .order("desc")
      .take(length);
    return newestFirst.toReversed().map(messageMeta);
  },
});

/** The text of a user message or of a reply that has ended; null for anything else. */
export const getText = query({
  args: { messageId: v.string() },
  returns: v.union(v.null(), v.object({ text: v.string() })),
  handler: async (ctx, { messageId }) => {
    const id = ctx.db.normalizeId("messages", messageId);
    const message = id === null ? null : await ctx.db.get("messages", id);
    if (message === null || (await readableChat(ctx, message.chatId)) === null) {
      return null;
    }
    const text = await storedText(ctx, message._id);
    return text === null ? null : { text };
  },
});

/** The newest flushes of a live reply; null once it has ended some minutes ago: read the body then. */
export const getTail = query({
  args: { streamId: v.string() },
  returns: v.union(
    v.null(),
    v.object({ attempt: v.number(), from: v.number(), text: v.string(), status: runStatusValidator }),
  ),
  handler: async (ctx, { streamId }) => {
    const tail = await ctx.db
      .query("tails")
      .withIndex("by_stream", (q) => q.eq("streamId", streamId))
      .unique();
    if (tail === null || (await readableChat(ctx, tail.chatId)) === null) {
      return null;
    }
    const { attempt, from, flushes, status } = tail;
    return { attempt, from, text: flushes.join(""), status };
  },
});

/** Stops a reply, from whichever tab; what is there of it stays. Nothing happens if it has ended. */
export const stop = mutation({
  args: { messageId: v.string() },
  returns: v.null(),
  handler: async (ctx, { messageId }) => {
    const run = await requireRun(ctx, messageId);
    if (run !== null) {
      await stopRun(ctx, run);
    }
    return null;
  },
});

/**
 * Says that the client cannot drive this reply, so that the server begins at once instead of waiting for it.
 */
export const leaveToServer = mutation({
  args: { messageId: v.string() },
  returns: v.null(),
  handler: async (ctx, { messageId }) => {
    const run = await requireRun(ctx, messageId);
    if (run !== null) {
      await offerRunToServer(ctx, run);
    }
    return null;
  },
});

/**
 * The run of a reply; null if it ended so long ago that it was removed. Throws `notFound` for what the user
 * cannot see.
 */
async function requireRun(ctx: MutationCtx, messageId: string): Promise<Doc<"runs"> | null> {
  const id = ctx.db.normalizeId("messages", messageId);
  const message = id === null ? null : await ctx.db.get("messages", id);
  if (!message?.reply || (await readableChat(ctx, message.chatId)) === null) {
    throw appError({ kind: "notFound", message: "There is no such reply." });
  }
  const { streamId } = message.reply;
  return await ctx.db
    .query("runs")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
}

function messageMeta({
  _id,
  _creationTime,
  chatId,
  parentId,
  role,
  clientRequestId,
  reply,
}: Doc<"messages">) {
  const base = { _id, _creationTime, chatId, parentId, role, clientRequestId };
  if (reply === null) {
    return { ...base, reply: null };
  }
  const { streamId, status, attempt, model, finishReason, continues = null, error, costUsd } = reply;
  const usage = reply.usage && {
    inputTokens: reply.usage.inputTokens,
    outputTokens: reply.usage.outputTokens,
  };
  const waiting = reply.waitsForPlace === true ? { waitsForPlace: true } : {};
  const thinking = reply.hasReasoning === true ? { hasReasoning: true } : {};
  const ended = { finishReason, error, usage, costUsd };
  return {
    ...base,
    reply: { streamId, status, attempt, model, continues, ...ended, ...waiting, ...thinking },
  };
}
