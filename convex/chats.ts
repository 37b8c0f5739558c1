/** Chats: creating, listing and deleting them, and the body of a reply for the component's hook. */
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation, mutation, query } from "./_generated/server.js";
import { readableChat, requireChat, requireUser } from "./model/access.ts";
import { removeMessages } from "./model/chatRemoval.ts";
import { bodyStatus, currentText } from "./model/replyText.ts";
import { liveRuns, revokeRun } from "./model/runLifecycle.ts";
import { beginRequestedTurn, newChatFields, turnValidator } from "./model/turnRequest.ts";
import { chatStatusValidator } from "./schema.ts";

const defaultListLength = 50;
const maxListLength = 200;

/** More replies at once than a chat can have; the purge ends any others with their messages. */
const maxRunsRevoked = 50;

export const createChat = mutation({
  args: newChatFields,
  returns: turnValidator,
  handler: async (ctx, args) => await beginRequestedTurn(ctx, { kind: "newChat", ...args }),
});

export const getChat = query({
  args: { chatId: v.string() },
  returns: v.union(
    v.null(),
    v.object({
      _id: v.id("chats"),
      _creationTime: v.number(),
      title: v.string(),
      status: chatStatusValidator,
      updatedAt: v.number(),
      model: v.string(),
    }),
  ),
  handler: async (ctx, { chatId }) => {
    const id = await readableChat(ctx, chatId);
    const chat = id === null ? null : await ctx.db.get("chats", id);
    if (chat === null) {
      return null;
    }
    const { _id, _creationTime, title, status, updatedAt, model } = chat;
    return { _id, _creationTime, title, status, updatedAt, model };
  },
});

export const listChats = query({
  args: { limit: v.optional(v.number()) },
  returns: v.array(
    v.object({ _id: v.id("chats"), title: v.string(), status: chatStatusValidator, updatedAt: v.number() }),
  ),
  handler: async (ctx, { limit = defaultListLength }) => {
    const { userId } = await requireUser(ctx);
    const length = Math.min(Math.max(1, Math.floor(limit)), maxListLength);
    const chats = await ctx.db
      .query("chats")
      .withIndex("by_owner", (q) => q.eq("ownerId", userId).eq("lifecycle", "live"))
      .order("desc")
      .take(length);
    return chats.map(({ _id, title, status, updatedAt }) => ({ _id, title, status, updatedAt }));
  },
});

/**
 * Closes the chat to everybody at once, takes its runs from their pumps and has the rest removed step by
 * step.
 */
export const deleteChat = mutation({
  args: { chatId: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    const chatId = await requireChat(ctx, args.chatId);
    const access = await ctx.db
      .query("chatAccess")
      .withIndex("by_chat", (q) => q.eq("chatId", chatId))
      .unique();
    if (access !== null) {
      await ctx.db.delete("chatAccess", access._id);
    }
    await ctx.db.patch("chats", chatId, { lifecycle: "deleting" });
    for (const run of await liveRuns(ctx, chatId, maxRunsRevoked)) {
      await revokeRun(ctx, run);
    }
    await ctx.scheduler.runAfter(0, internal.chats.purge, { chatId });
    return null;
  },
});

/** One step of a deletion; schedules the next until nothing is left. */
export const purge = internalMutation({
  args: { chatId: v.id("chats") },
  returns: v.null(),
  handler: async (ctx, { chatId }) => {
    if (await removeMessages(ctx, chatId)) {
      await ctx.db.delete("chats", chatId);
    } else {
      await ctx.scheduler.runAfter(0, internal.chats.purge, { chatId });
    }
    return null;
  },
});

/**
 * The text of a reply and its status in the component's words, for the component's `useStream`. Takes the
 * reply's stream id and never throws: an unknown or deleted one answers empty.
 */
export const getChatBody = query({
  args: { streamId: v.string() },
  returns: v.object({
    text: v.string(),
    status: v.union(
      v.literal("pending"),
      v.literal("streaming"),
      v.literal("done"),
      v.literal("error"),
      v.literal("timeout"),
    ),
  }),
  handler: async (ctx, { streamId }) => {
    const name = await ctx.db
      .query("replyStreams")
      .withIndex("by_stream", (q) => q.eq("streamId", streamId))
      .unique();
    if (name === null || (await readableChat(ctx, name.chatId)) === null) {
      return { text: "", status: "error" as const };
    }
    const message = await ctx.db.get("messages", name.messageId);
    if (!message?.reply) {
      return { text: "", status: "error" as const };
    }
    return { text: await currentText(ctx, message), status: bodyStatus(message.reply.status) };
  },
});
