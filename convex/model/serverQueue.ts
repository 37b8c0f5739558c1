/** The queue of runs that no client drives: a few at once, in the order in which they were given up. */
import { internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";

/**
 * Convex runs eight scheduled jobs side by side, each until it ends; half stay free for everything that is
 * short.
 */
const maxServerRuns = 4;

/** An action that was started and has not claimed its run after this time is taken for dead. */
const startGraceMs = 20_000;

/** Puts the run at the end of the queue unless it is in it, and starts what there is room for. */
export async function enqueue(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  if ((await queueRow(ctx, runId)) === null) {
    await ctx.db.insert("serverQueue", { runId, state: "waiting" });
  }
  await startWaiting(ctx);
}

/** As `enqueue`, for a run whose action died: it waits again. */
export async function enqueueAgain(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const row = await queueRow(ctx, runId);
  if (row?.state === "started") {
    await ctx.db.delete("serverQueue", row._id);
  }
  await enqueue(ctx, runId);
}

/** Takes the run out of the queue, if it is in it, and gives its place to the next. */
export async function leaveQueue(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const row = await queueRow(ctx, runId);
  if (row !== null) {
    await ctx.db.delete("serverQueue", row._id);
    await startWaiting(ctx);
  }
}

async function queueRow(ctx: MutationCtx, runId: Id<"runs">) {
  return await ctx.db
    .query("serverQueue")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
}

async function startWaiting(ctx: MutationCtx): Promise<void> {
  const started = await ctx.db
    .query("serverQueue")
    .withIndex("by_state", (q) => q.eq("state", "started"))
    .take(maxServerRuns);
  const next = await ctx.db
    .query("serverQueue")
    .withIndex("by_state", (q) => q.eq("state", "waiting"))
    .take(maxServerRuns - started.length);
  for (const row of next) {
    const run = await ctx.db.get("runs", row.runId);
    if (run === null) {
      await ctx.db.delete("serverQueue", row._id);
      continue;
    }
    await ctx.db.patch("serverQueue", row._id, { state: "started" });
    await ctx.db.patch("runs", run._id, { deadline: Date.now() + startGraceMs });
    await ctx.scheduler.runAfter(0, internal.serverRuns.produce, { streamId: run.streamId });
  }
}
