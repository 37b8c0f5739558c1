/** Removing a deleted chat in bounded steps, until no row of it is left in any table nor in the component. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { removeReasoningPart } from "./replyReasoning.ts";
import { removeStreams } from "./replyStreams.ts";
import { removeTextPart } from "./replyText.ts";
import { revokeRun } from "./runLifecycle.ts";

/**
 * What one step may still remove. Both are counted while it removes and looked at between rows, so a step goes over by
 * one row at most, and stays far below a transaction's limits and a second's share of writing.
 */
interface StepBudget {
  documents: number;
  /** UTF-16 units of text: at most three bytes each. */
  units: number;
}

const maxDocumentsPerStep = 200;
const maxUnitsPerStep = 700_000;

/** Component streams cost the component's documents as well: the stream, and the job that removes its chunks. */
const documentsPerStream = 4;

/** One step. Says whether everything but the chat's own row is gone. */
export async function removeSomeOfChat(ctx: MutationCtx, chatId: Id<"chats">): Promise<boolean> {
  const budget = { documents: maxDocumentsPerStep, units: maxUnitsPerStep };
  while (!isSpent(budget)) {
    const message = await ctx.db
      .query("messages")
      .withIndex("by_chat", (q) => q.eq("chatId", chatId))
      .first();
    if (message === null) {
      return true;
    }
    if (!(await removeSomeOfMessage(ctx, message, budget))) {
      return false;
    }
    await ctx.db.delete("messages", message._id);
    budget.documents -= 1;
  }
  return false;
}

/** Says whether everything that belongs to the message is gone. What writes for it goes first: the run. */
async function removeSomeOfMessage(
  ctx: MutationCtx,
  message: Doc<"messages">,
  budget: StepBudget,
): Promise<boolean> {
  if (message.reply !== null) {
    const { streamId } = message.reply;
    await removeRun(ctx, streamId, budget);
    const isGone = await removeParts(() => removeReasoningPart(ctx, streamId), budget);
    if (!isGone || !(await removeStreamsOf(ctx, message._id, budget))) {
      return false;
    }
  }
  return await removeParts(() => removeTextPart(ctx, message._id), budget);
}

async function removeRun(ctx: MutationCtx, streamId: string, budget: StepBudget): Promise<void> {
  const run = await ctx.db
    .query("runs")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
  if (run !== null) {
    await revokeRun(ctx, run);
    await ctx.db.delete("runs", run._id);
    budget.documents -= 1;
  }
  const tail = await ctx.db
    .query("tails")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
  if (tail !== null) {
    await ctx.db.delete("tails", tail._id);
    budget.documents -= 1;
  }
}

async function removeStreamsOf(
  ctx: MutationCtx,
  messageId: Id<"messages">,
  budget: StepBudget,
): Promise<boolean> {
  let isGone = false;
  while (!isGone && !isSpent(budget)) {
    isGone = await removeStreams(ctx, messageId, { keepName: false, limit: 1 });
    budget.documents -= documentsPerStream;
  }
  return isGone;
}

/** `removePart` says how many units it removed, or null when there is nothing left. */
async function removeParts(removePart: () => Promise<number | null>, budget: StepBudget): Promise<boolean> {
  while (!isSpent(budget)) {
    const units = await removePart();
    if (units === null) {
      return true;
    }
    budget.documents -= 1;
    budget.units -= units;
  }
  return false;
}

function isSpent({ documents, units }: StepBudget): boolean {
  return documents <= 0 || units <= 0;
}
