/**
 * The states of a run and every way from one to another. All functions run inside one mutation of the caller.
 *
 *                claim                    finish, fail
 *     queued ------------> running ----------------------------> complete | stopped | failed
 *       |                   ^   |
 *       | stop        claim |   | deadline passed (the reaper)
 *       v                   |   v
 *     stopped <---------- recovering          after the last attempt ---> interrupted
 *                 stop
 */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { hasEnded } from "../shared/streamEvents.ts";
import { appError } from "./appError.ts";
import { closeStream, openNextStream, readStreams } from "./replyStreams.ts";
import { persistedLength, tailOfRun } from "./replyTail.ts";
import { storeText } from "./replyText.ts";
import { leaseEnd, stopGraceMs } from "./runLease.ts";
import { enqueue, enqueueAgain, leaveQueue } from "./serverQueue.ts";

/** How long a run waits for its driver: a slow phone must keep its live stream. */
const driverGraceMs = 10_000;

/** A run that waits is looked at again this long after, should the queue have forgotten it. */
const waitingMs = 60_000;

const maxAttempts = 2;

/** The component's streams outlive the run so that readers in mid-body end undisturbed. */
const streamsKeptMs = 10 * 60_000;

type Run = Doc<"runs">;
type Reply = NonNullable<Doc<"messages">["reply"]>;

export interface RunEnd {
  status: "complete" | "stopped" | "failed" | "interrupted";
  text: string;
  finishReason: Reply["finishReason"];
  error: Reply["error"];
  usage: Reply["usage"];
  costUsd: Reply["costUsd"];
}

/** Inserts the queued run of a new reply and the rescue for the case that no driver comes. */
export async function queueRun(
  ctx: MutationCtx,
  reply: { chatId: Id<"chats">; messageId: Id<"messages">; streamId: string; model: string },
): Promise<void> {
  const now = Date.now();
  const tailId = await ctx.db.insert("tails", {
    streamId: reply.streamId,
    chatId: reply.chatId,
    attempt: 1,
    from: 0,
    flushes: [],
    streamBytes: 0,
    status: "queued",
  });
  const runId = await ctx.db.insert("runs", {
    ...reply,
    tailId,
    status: "queued",
    attempt: 1,
    token: null,
    driverToken: null,
    openStream: { streamId: reply.streamId, index: 0, from: 0, openedAt: now },
    // Twice the grace: the reaper comes only if the scheduled rescue did not.
    deadline: now + 2 * driverGraceMs,
    stopRequestedAt: null,
  });
  await ctx.scheduler.runAfter(driverGraceMs, internal.runs.offerToServer, { runId });
}

/**
 * Gives the run to the caller with `token`. The same caller may ask again, and so may the driver that named
 * its claim, as long as nothing was persisted: the pump of its first request then finds its token revoked.
 * Throws `runTaken` otherwise.
 */
export async function claimRun(
  ctx: MutationCtx,
  run: Run,
  claim: { token: string; driverToken: string | null; by: "driver" | "server" },
): Promise<Run> {
  if (run.token === claim.token && run.status === "running") {
    return run;
  }
  if (
    hasEnded(run.status) ||
    (run.status === "running" && !(await isRepeatedEarly(ctx, run, claim.driverToken)))
  ) {
    const message = hasEnded(run.status) ? "This reply has ended." : "This reply is already being written.";
    throw appError({ kind: "runTaken", message });
  }
  if (claim.by === "driver") {
    await leaveQueue(ctx, run._id);
  }
  const { token, driverToken } = claim;
  const claimedLength = persistedLength(await tailOfRun(ctx, run));
  const change = { token, driverToken, claimedLength, status: "running" as const, deadline: leaseEnd(run) };
  await ctx.db.patch("runs", run._id, change);
  await showStatus(ctx, run, "running", run.attempt);
  return { ...run, ...change };
}

async function isRepeatedEarly(ctx: MutationCtx, run: Run, driverToken: string | null): Promise<boolean> {
  const isRepeated = driverToken !== null && driverToken === run.driverToken;
  return isRepeated && persistedLength(await tailOfRun(ctx, run)) === (run.claimedLength ?? 0);
}

/**
 * Ends the run for good and stores its text. Throws `internal` when the text is not as long as what is
 * persisted.
 */
export async function endRun(ctx: MutationCtx, run: Run, end: RunEnd): Promise<void> {
  const length = persistedLength(await tailOfRun(ctx, run));
  if (end.text.length !== length) {
    throw appError({
      kind: "internal",
      message: `A text of ${end.text.length} units cannot end a run that has ${length}.`,
    });
  }
  const message = await ctx.db.get("messages", run.messageId);
  if (message === null || message.reply === null) {
    throw appError({ kind: "notFound", message: "The reply was deleted." });
  }
  const { text, status, ...outcome } = end;
  const isDone = status === "complete" || status === "stopped";
  await storeText(ctx, run.messageId, text);
  await closeStream(ctx, run, isDone ? "done" : "error");
  await ctx.db.patch("messages", run.messageId, { reply: { ...message.reply, ...outcome, status } });
  await ctx.db.patch("tails", run.tailId, { status });
  await ctx.db.patch("runs", run._id, { status, deadline: null });
  await leaveQueue(ctx, run._id);
  await settleChat(ctx, run.chatId);
  await ctx.scheduler.runAfter(streamsKeptMs, internal.runs.removeLeftovers, { runId: run._id });
}

/** Ends a run that nobody holds, or takes from its holder, with the text that is persisted. */
async function endWithPersistedText(ctx: MutationCtx, run: Run, status: "stopped" | "interrupted") {
  await ctx.db.patch("runs", run._id, { token: null });
  const text = await readStreams(ctx, run.messageId);
  await endRun(ctx, run, { status, text, finishReason: null, error: null, usage: null, costUsd: null });
}

/** Ends a run that nobody holds at once, and asks the holder of any other to end it within three seconds. */
export async function stopRun(ctx: MutationCtx, run: Run): Promise<void> {
  if (hasEnded(run.status) || run.stopRequestedAt !== null) {
    return;
  }
  if (run.status !== "running") {
    await endWithPersistedText(ctx, run, "stopped");
    return;
  }
  const stopRequestedAt = Date.now();
  await ctx.db.patch("runs", run._id, { stopRequestedAt, deadline: leaseEnd({ stopRequestedAt }) });
  await ctx.scheduler.runAfter(stopGraceMs, internal.runs.takeUp, { runId: run._id });
}

/** What the reaper does with a run whose deadline has passed; nothing if it has not. */
export async function takeUpRun(ctx: MutationCtx, run: Run): Promise<void> {
  if (run.deadline === null || run.deadline > Date.now()) {
    return;
  }
  if (run.status !== "running") {
    await ctx.db.patch("runs", run._id, { deadline: Date.now() + waitingMs });
    await enqueueAgain(ctx, run._id);
  } else if (run.stopRequestedAt !== null) {
    await endWithPersistedText(ctx, run, "stopped");
  } else if (run.attempt >= maxAttempts) {
    await endWithPersistedText(ctx, run, "interrupted");
  } else {
    await recoverRun(ctx, run);
  }
}

async function recoverRun(ctx: MutationCtx, run: Run): Promise<void> {
  const attempt = run.attempt + 1;
  const from = persistedLength(await tailOfRun(ctx, run));
  await ctx.db.patch("runs", run._id, {
    status: "recovering",
    attempt,
    token: null,
    driverToken: null,
    openStream: await openNextStream(ctx, run, from, "error"),
    deadline: Date.now() + waitingMs,
  });
  await ctx.db.patch("tails", run.tailId, { streamBytes: 0 });
  await showStatus(ctx, run, "recovering", attempt);
  await enqueueAgain(ctx, run._id);
}

/** Leaves a run without driver to the server; nothing if one has come or the run has ended. */
export async function offerRunToServer(ctx: MutationCtx, run: Run): Promise<void> {
  if (run.status === "queued") {
    await ctx.db.patch("runs", run._id, { deadline: Date.now() + waitingMs });
    await enqueue(ctx, run._id);
  }
}

/** Takes the run from whoever holds it, without an end: its chat is being deleted. */
export async function revokeRun(ctx: MutationCtx, run: Run): Promise<void> {
  await ctx.db.patch("runs", run._id, { token: null, status: "stopped", deadline: null });
  await leaveQueue(ctx, run._id);
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

/** Writes a status that is not an end where readers see it: on the message and on the tail. */
async function showStatus(ctx: MutationCtx, run: Run, status: "running" | "recovering", attempt: number) {
  const message = await ctx.db.get("messages", run.messageId);
  if (message?.reply) {
    await ctx.db.patch("messages", run.messageId, { reply: { ...message.reply, status, attempt } });
  }
  await ctx.db.patch("tails", run.tailId, { status, attempt });
}
