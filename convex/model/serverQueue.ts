/**
 * The queue of runs that no client drives: a few at once, in the order in which they were given up, those that died
 * before those that never began. A run that the queue starts gets its place before its action begins, and a place that
 * becomes free goes to the queue first; a driver takes what the queue cannot use.
 */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appErrorOf } from "./appError.ts";
import { isFull, leavePlace, maxConcurrentRuns, takePlace } from "./runPlaces.ts";

/**
 * Convex runs eight scheduled jobs side by side, each until it ends; half stay free for everything that is
 * short.
 */
const maxServerRuns = 4;

/** An action that was started and has not claimed its run after this time is taken for dead. */
const startGraceMs = 15_000;

/**
 * Where a run stands among those that wait. Dying twice is the end, so the dead cannot keep the others waiting for
 * ever; a reply that is handed on could, and so stands with the new ones.
 */
const ranks = { died: 0, others: 1 } as const;
export type QueueRank = keyof typeof ranks;

/** Whether the run was started, waits for one of the server's few actions, or for a place among all runs. */
export type QueueAnswer = "started" | "waits" | "waitsForPlace";

/** Puts the run at the end of the queue unless it is in it, and starts what there is room for. */
export async function enqueue(
  ctx: MutationCtx,
  runId: Id<"runs">,
  rank: QueueRank = "others",
): Promise<QueueAnswer> {
  if ((await queueRow(ctx, runId)) === null) {
    await ctx.db.insert("serverQueue", { runId, state: "waiting", rank: ranks[rank] });
  }
  await startWaiting(ctx);
  if ((await queueRow(ctx, runId))?.state === "started") {
    return "started";
  }
  return (await isFull(ctx, places())) ? "waitsForPlace" : "waits";
}

/** As `enqueue`, for a run whose action died or gave it up: its place is free, and it waits again. */
export async function enqueueAgain(
  ctx: MutationCtx,
  runId: Id<"runs">,
  rank: QueueRank,
): Promise<QueueAnswer> {
  const row = await queueRow(ctx, runId);
  if (row?.state === "started") {
    await ctx.db.delete("serverQueue", row._id);
  }
  await leavePlace(ctx, runId);
  return await enqueue(ctx, runId, rank);
}

/** A driver took the run, which keeps its place: the server may start another. */
export async function passToDriver(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const row = await queueRow(ctx, runId);
  if (row !== null) {
    await ctx.db.delete("serverQueue", row._id);
    await startWaiting(ctx);
  }
}

/** The server took the run, perhaps later than the queue gave it time for. */
export async function passToServer(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const row = await queueRow(ctx, runId);
  if (row?.state === "waiting") {
    await ctx.db.patch("serverQueue", row._id, { state: "started" });
  }
}

/** Takes the run out of the queue and from its place, and gives both to the next. */
export async function leaveQueue(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const row = await queueRow(ctx, runId);
  if (row !== null) {
    await ctx.db.delete("serverQueue", row._id);
  }
  await leavePlace(ctx, runId);
  await startWaiting(ctx);
}

async function queueRow(ctx: MutationCtx, runId: Id<"runs">): Promise<Doc<"serverQueue"> | null> {
  return await ctx.db
    .query("serverQueue")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
}

/** The first that waits is looked for before anything is counted: most of the time nobody does. */
async function startWaiting(ctx: MutationCtx): Promise<void> {
  for (;;) {
    const row = await ctx.db
      .query("serverQueue")
      .withIndex("by_state", (q) => q.eq("state", "waiting"))
      .first();
    if (row === null || (await countStarted(ctx)) >= maxServerRuns) {
      return;
    }
    const run = await ctx.db.get("runs", row.runId);
    if (run === null) {
      await ctx.db.delete("serverQueue", row._id);
      continue;
    }
    if (!(await takePlace(ctx, run._id, places()))) {
      return;
    }
    await ctx.db.patch("serverQueue", row._id, { state: "started" });
    const starts = (run.starts ?? 0) + 1;
    await ctx.db.patch("runs", run._id, { deadline: Date.now() + startGraceMs, starts });
    await ctx.scheduler.runAfter(0, internal.serverRuns.produce, { streamId: run.streamId });
  }
}

async function countStarted(ctx: MutationCtx): Promise<number> {
  const started = await ctx.db
    .query("serverQueue")
    .withIndex("by_state", (q) => q.eq("state", "started"))
    .take(maxServerRuns);
  return started.length;
}

/** The end of a reply must not fail by a variable that nobody can read: senders and drivers are told of it. */
function places(): number {
  try {
    return maxConcurrentRuns(process.env);
  } catch (error) {
    console.error(appErrorOf(error)?.message);
    return maxConcurrentRuns({});
  }
}
