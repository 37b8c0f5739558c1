/**
 * The way of a chat that is deleted, which its owner may take back until the purge begins:
 *
 *     live ----- deleteChat -----> deleting ---- undo is over ----> purging ---- step by step ----> gone
 *      ^                              |
 *      +-------- restoreChat ---------+
 */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { requireUser } from "./access.ts";
import { appError } from "./appError.ts";
import { removeSomeOfChat } from "./chatRemoval.ts";
import { liveRuns, stopRun } from "./runLifecycle.ts";

/** How long a deletion may be taken back. The app offers it for less, so that an answer on its way is in time. */
const undoMs = 30_000;

/** A purge whose next step is so late has lost its schedule, and is begun again. */
const stalledAfterMs = 30_000;

/** Purges that one look begins again; more wait for the next. */
const maxResumed = 20;

/** Ending a run may read and store its text; a chat with more replies at once has the others stopped a little later. */
const maxRunsStopped = 10;
const stopMoreAfterMs = 4_000;

/** Closes the chat to everybody and stops its replies, whose texts stay for an undo. Doing it again is safe. */
export async function closeChat(ctx: MutationCtx, chat: Doc<"chats">): Promise<void> {
  if (chat.lifecycle !== "live") {
    return;
  }
  const access = await accessRow(ctx, chat._id);
  if (access !== null) {
    await ctx.db.delete("chatAccess", access._id);
  }
  await ctx.db.patch("chats", chat._id, { lifecycle: "deleting", purgeAt: Date.now() + undoMs });
  await stopRuns(ctx, chat._id);
  await ctx.scheduler.runAfter(undoMs, internal.chats.purge, { chatId: chat._id });
}

/** Opens the chat again. Doing it again is safe. Throws `notFound` once the purge has begun. */
export async function reopenChat(ctx: MutationCtx, chat: Doc<"chats">): Promise<void> {
  if (chat.lifecycle === "live") {
    return;
  }
  if (chat.lifecycle === "purging") {
    throw goneForGood();
  }
  await ctx.db.patch("chats", chat._id, { lifecycle: "live", purgeAt: undefined });
  await ctx.db.insert("chatAccess", { chatId: chat._id, ownerId: chat.ownerId });
}

/** The user's own chat, deleted or not, for those who delete or restore; throws `notFound`. */
export async function requireOwnChat(ctx: MutationCtx, chatId: string): Promise<Doc<"chats">> {
  const { userId } = await requireUser(ctx);
  const id = ctx.db.normalizeId("chats", chatId);
  const chat = id === null ? null : await ctx.db.get("chats", id);
  if (chat?.ownerId !== userId) {
    throw goneForGood();
  }
  return chat;
}

/** Stops the replies of a chat unless it was restored, some now and the others soon. */
export async function stopRunsOfDeleted(ctx: MutationCtx, chatId: Id<"chats">): Promise<void> {
  const chat = await ctx.db.get("chats", chatId);
  if (chat?.lifecycle === "deleting") {
    await stopRuns(ctx, chatId);
  }
}

/** One step of the removal, which has the next one made; nothing for a chat whose undo is not over. */
export async function purgeStep(ctx: MutationCtx, chatId: Id<"chats">): Promise<void> {
  const chat = await ctx.db.get("chats", chatId);
  if (chat === null || chat.lifecycle === "live" || isUndoOpen(chat)) {
    return;
  }
  if (await removeSomeOfChat(ctx, chatId)) {
    await ctx.db.delete("chats", chatId);
    return;
  }
  await ctx.db.patch("chats", chatId, { lifecycle: "purging", purgeAt: Date.now() });
  await ctx.scheduler.runAfter(0, internal.chats.purge, { chatId });
}

/** Has every purge go on whose schedule was lost, be it that a step of it fails each time. */
export async function resumeStalledPurges(ctx: MutationCtx): Promise<void> {
  const now = Date.now();
  for (const lifecycle of ["deleting", "purging"] as const) {
    const stalled = await ctx.db
      .query("chats")
      .withIndex("by_purge", (q) => q.eq("lifecycle", lifecycle).lte("purgeAt", now - stalledAfterMs))
      .take(maxResumed);
    for (const chat of stalled) {
      // Those that fail each time go behind the others.
      await ctx.db.patch("chats", chat._id, { lifecycle: "purging", purgeAt: now });
      await ctx.scheduler.runAfter(0, internal.chats.purge, { chatId: chat._id });
    }
  }
}

function isUndoOpen({ lifecycle, purgeAt }: Doc<"chats">): boolean {
  return lifecycle === "deleting" && purgeAt !== undefined && purgeAt > Date.now();
}

async function stopRuns(ctx: MutationCtx, chatId: Id<"chats">): Promise<void> {
  const runs = await liveRuns(ctx, chatId, maxRunsStopped);
  for (const run of runs) {
    await stopRun(ctx, run);
  }
  if (runs.length === maxRunsStopped) {
    // Those that were asked to stop have ended by then.
    await ctx.scheduler.runAfter(stopMoreAfterMs, internal.chats.stopRuns, { chatId });
  }
}

async function accessRow(ctx: MutationCtx, chatId: Id<"chats">): Promise<Doc<"chatAccess"> | null> {
  return await ctx.db
    .query("chatAccess")
    .withIndex("by_chat", (q) => q.eq("chatId", chatId))
    .unique();
}

function goneForGood() {
  const seconds = undoMs / 1_000;
  return appError({
    kind: "notFound",
    message: `There is no such chat: it was deleted more than ${seconds} seconds ago, or never was.`,
  });
}
