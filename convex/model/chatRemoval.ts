/** Removing a deleted chat in bounded steps, until no row of it is left in any table. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { removeStreams } from "./replyStreams.ts";
import { removeText } from "./replyText.ts";
import { revokeRun } from "./runLifecycle.ts";

/**
 * Each message has a text, and a reply some streams beside: a step stays far below a transaction's limits.
 */
const maxMessagesPerStep = 10;
const maxStreamsPerStep = 20;

/** One step. Says whether all messages are gone. */
export async function removeMessages(ctx: MutationCtx, chatId: Id<"chats">): Promise<boolean> {
  const messages = await ctx.db
    .query("messages")
    .withIndex("by_chat", (q) => q.eq("chatId", chatId))
    .take(maxMessagesPerStep);
  for (const message of messages) {
    if (message.reply !== null && !(await removeReply(ctx, message._id, message.reply))) {
      return false;
    }
    await removeText(ctx, message._id);
    await ctx.db.delete("messages", message._id);
  }
  return messages.length < maxMessagesPerStep;
}

/** False when the reply has more streams than one step may remove. */
async function removeReply(
  ctx: MutationCtx,
  messageId: Id<"messages">,
  { streamId }: NonNullable<Doc<"messages">["reply"]>,
): Promise<boolean> {
  const run = await ctx.db
    .query("runs")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
  if (run !== null) {
    await revokeRun(ctx, run);
    await ctx.db.delete("runs", run._id);
  }
  const tail = await ctx.db
    .query("tails")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
  if (tail !== null) {
    await ctx.db.delete("tails", tail._id);
  }
  return await removeStreams(ctx, messageId, { keepName: false, limit: maxStreamsPerStep });
}
