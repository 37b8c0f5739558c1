/** What the end of a run leaves: the text and outcome of its reply, an idle chat, and a place for the next run. */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { growReply } from "./replyGrowth.ts";
import { sealEnded, sealInSteps } from "./replySeal.ts";
import { closeStream } from "./replyStreams.ts";
import { cancelResponse } from "./runResponse.ts";
import { leaveQueue } from "./serverQueue.ts";

/** The component's streams outlive the run so that readers in mid-body end undisturbed. */
const streamsKeptMs = 10 * 60_000;

type Run = Doc<"runs">;
type Reply = NonNullable<Doc<"messages">["reply"]>;

/** How a reply came out, apart from its text. */
export type Outcome = Pick<Reply, "finishReason" | "error" | "usage" | "costUsd">;

const noOutcome: Outcome = { finishReason: null, error: null, usage: null, costUsd: null };

/** How it ends when nobody who holds the run says so. */
const sealedOutcomes = {
  stopped: noOutcome,
  interrupted: noOutcome,
  failed: {
    ...noOutcome,
    error: {
      kind: "unknown",
      message:
        "The deployment tried many times to begin with this reply and could not; its log says why. Try again later.",
    },
  },
} as const satisfies Record<string, Outcome>;

/**
 * Ends the run with what its holder knows: `text` is the end of the reply, or all of it, which has `length` units. What
 * of it is not persisted yet is written here, so that there is no moment at which a reply is whole and its run goes on.
 * Throws `internal` for a gap, and for a reply that is shorter than what is persisted.
 */
export async function endWithText(
  ctx: MutationCtx,
  run: Run,
  status: "complete" | "stopped" | "failed",
  { text, length, outcome }: { text: string; length: number; outcome: Outcome },
): Promise<void> {
  const isWhole = text.length === length;
  const grown = await growReply(ctx, run, length - text.length, text);
  if (grown.length !== length) {
    const message = `A text of ${length} units cannot end a run that has ${grown.length}.`;
    throw appError({ kind: "internal", message });
  }
  await settle(ctx, grown.run, status, outcome, isWhole ? text : null);
}

/** Ends a run that nobody holds, or takes it from its holder, with the text that is persisted. */
export async function endWithPersistedText(
  ctx: MutationCtx,
  run: Run,
  status: keyof typeof sealedOutcomes,
): Promise<void> {
  await ctx.db.patch("runs", run._id, { token: null });
  await settle(ctx, run, status, sealedOutcomes[status], null);
}

const abandonedOutcome: Outcome = {
  ...noOutcome,
  error: {
    kind: "unknown",
    message:
      "The deployment could neither go on with this reply nor end it in order; its log says why. What there is of it is kept.",
  },
};

/**
 * Ends a run that nothing else can end, because something about its rows or streams is not as it should be. Only what is
 * there is written, and no stream is touched: readers have its text from the streams that are left, until it is sealed.
 */
export async function abandonRun(ctx: MutationCtx, run: Run): Promise<void> {
  const status = "failed" as const;
  await cancelResponse(ctx, run);
  await ctx.db.patch("runs", run._id, { status, token: null, deadline: null });
  const message = await ctx.db.get("messages", run.messageId);
  if (message?.reply) {
    const { waitsForPlace: _, ...reply } = message.reply;
    await ctx.db.patch("messages", run.messageId, { reply: { ...reply, ...abandonedOutcome, status } });
  }
  if ((await ctx.db.get("tails", run.tailId)) !== null) {
    await ctx.db.patch("tails", run.tailId, { status });
  }
  await sealInSteps(ctx, run);
  await leaveQueue(ctx, run._id);
  if ((await ctx.db.get("chats", run.chatId)) !== null) {
    await settleChat(ctx, run.chatId);
  }
  await ctx.scheduler.runAfter(streamsKeptMs, internal.runs.removeLeftovers, { runId: run._id });
}

async function settle(
  ctx: MutationCtx,
  run: Run,
  status: "complete" | "stopped" | "failed" | "interrupted",
  outcome: Outcome,
  text: string | null,
): Promise<void> {
  const message = await ctx.db.get("messages", run.messageId);
  if (message === null || message.reply === null) {
    throw appError({ kind: "notFound", message: "The reply was deleted." });
  }
  if (status !== "complete") {
    await cancelResponse(ctx, run);
  }
  const isDone = status === "complete" || status === "stopped";
  await closeStream(ctx, run, isDone ? "done" : "error");
  await sealEnded(ctx, { ...run, status }, text);
  const { waitsForPlace: _, ...reply } = message.reply;
  await ctx.db.patch("messages", run.messageId, { reply: { ...reply, ...outcome, status } });
  await ctx.db.patch("tails", run.tailId, { status });
  await ctx.db.patch("runs", run._id, { status, deadline: null });
  await leaveQueue(ctx, run._id);
  await settleChat(ctx, run.chatId);
  await ctx.scheduler.runAfter(streamsKeptMs, internal.runs.removeLeftovers, { runId: run._id });
}

/** The runs of a chat that have not ended, at most `limit`. */
export async function liveRuns(ctx: MutationCtx, chatId: Id<"chats">, limit: number): Promise<Run[]> {
  return await ctx.db
    .query("runs")
    .withIndex("by_chat", (q) => q.eq("chatId", chatId).gt("deadline", 0))
    .take(limit);
}

async function settleChat(ctx: MutationCtx, chatId: Id<"chats">): Promise<void> {
  const [liveRun] = await liveRuns(ctx, chatId, 1);
  const status = liveRun === undefined ? "idle" : "replying";
  await ctx.db.patch("chats", chatId, { status, updatedAt: Date.now() });
}
