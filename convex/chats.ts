/** Chats: creating, listing, deleting and restoring them, and the body of a reply for the component's hook. */
import { v } from "convex/values";
import { internalMutation, mutation, query } from "./_generated/server.js";
import { readableChat, requireUser } from "./model/access.ts";
import { listLength } from "./model/listLength.ts";
import {
  closeChat,
  purgeStep,
  reopenChat,
  requireOwnChat,
  resumeStalledPurges,
  stopRunsOfDeleted,
} from "./model/chatDeletion.ts";
import { currentText } from "./model/replyText.ts";
import { beginRequestedTurn, newChatFields, turnValidator } from "./model/turnRequest.ts";
import { chatStatusValidator } from "./schema.ts";
import { bodyStatus } from "./shared/streamEvents.ts";

const defaultListLength = 50;
const maxListLength = 200;

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
    const length = listLength(limit, maxListLength);
    const chats = await ctx.db
      .query("chats")
      .withIndex("by_owner", (q) => q.eq("ownerId", userId).eq("lifecycle", "live"))
      .order("desc")
      .take(length);
    return chats.map(({ _id, title, status, updatedAt }) => ({ _id, title, status, updatedAt }));
  },
});

/**
 * Closes the chat to everybody at once and stops its replies; for half a minute `restoreChat` takes it back, then all
 * of it is removed, step by step. Deleting again is safe.
 */
export const deleteChat = mutation({
  args: { chatId: v.string() },
  returns: v.null(),
  handler: async (ctx, { chatId }) => {
    await closeChat(ctx, await requireOwnChat(ctx, chatId));
    return null;
  },
});

/**
 * Takes a deletion back: everything is there again, a reply that was being written stopped where it was. Restoring
 * again is safe. Throws `notFound` once the removal has begun.
 */
export const restoreChat = mutation({
  args: { chatId: v.string() },
  returns: v.null(),
  handler: async (ctx, { chatId }) => {
    await reopenChat(ctx, await requireOwnChat(ctx, chatId));
    return null;
  },
});

/** Stops what a chat of very many replies at once has left to stop. */
export const stopRuns = internalMutation({
  args: { chatId: v.id("chats") },
  returns: v.null(),
  handler: async (ctx, { chatId }) => {
    await stopRunsOfDeleted(ctx, chatId);
    return null;
  },
});

/** One step of a removal; schedules the next until nothing is left. */
export const purge = internalMutation({
  args: { chatId: v.id("chats") },
  returns: v.null(),
  handler: async (ctx, { chatId }) => {
    await purgeStep(ctx, chatId);
    return null;
  },
});

/** Takes up removals that stand still: a step was lost, or failed. */
export const resumePurges = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await resumeStalledPurges(ctx);
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
