/** Beginning a reply with a text that is already there: that of the reply it continues. */
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { sealFullStreams } from "./replySeal.ts";
import { appendToStreams } from "./replyStreams.ts";
import { tailOfRun } from "./replyTail.ts";

/**
 * Gives the queued run of `streamId` a text to go on from, as if an earlier attempt had persisted it. Called in
 * the transaction that queued the run. The text goes into as many component streams as it needs.
 */
export async function seedReply(ctx: MutationCtx, streamId: string, text: string): Promise<void> {
  if (text === "") {
    return;
  }
  const run = await ctx.db
    .query("runs")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
  if (run === null || run.status !== "queued") {
    const message = `The reply ${streamId} cannot begin with a text: its run is ${run?.status ?? "missing"}.`;
    throw appError({ kind: "internal", message });
  }
  const tail = await tailOfRun(ctx, run);
  const written = await appendToStreams(ctx, run, { from: 0, streamBytes: 0 }, text);
  await ctx.db.patch("runs", run._id, { openStream: written.openStream });
  await sealFullStreams(ctx, run, written.openStream);
  // Nothing of it is news to a spectator, who reads the body first.
  const { streamBytes } = written;
  await ctx.db.patch("tails", tail._id, { from: text.length, flushes: [], streamBytes });
}
