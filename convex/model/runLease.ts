/**
 * What the holder of a run does while it works: it persists text, and keeps its lease by that or by
 * heartbeats.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { growReply } from "./replyGrowth.ts";
import { isOld, openNextStream } from "./replyStreams.ts";
import { persistedLength, tailOfRun } from "./replyTail.ts";
import { describeRefusal, runTable } from "./runTable.ts";

/** How long a pump may be silent before its run is taken up. It fences itself well before. */
const leaseMs = 15_000;

/** A lease that is younger is not written again: a flush would otherwise cost one more row. */
const minExtensionMs = 1_000;

/** A pump that was asked to stop has this long to end the run itself. */
export const stopGraceMs = 3_000;

type Run = Doc<"runs">;

export interface LeaseAnswer {
  /** Somebody asked for the run to stop. */
  stop: boolean;
  leaseMs: number;
}

/** The run that `token` holds, or held when it ended. Throws `runTaken` where there is none. */
export async function runOfToken(ctx: MutationCtx, token: string): Promise<Run> {
  const run = await ctx.db
    .query("runs")
    .withIndex("by_token", (q) => q.eq("token", token))
    .unique();
  if (run === null) {
    throw appError({ kind: "runTaken", message: describeRefusal("notHeld") });
  }
  return run;
}

/** The run that `token` was the last to hand on; null if it was none. */
export async function runHandedOnBy(ctx: MutationCtx, token: string): Promise<Run | null> {
  return await ctx.db
    .query("runs")
    .withIndex("by_handed_on", (q) => q.eq("handedOnBy", token))
    .unique();
}

/** The run that `token` may write; throws `runTaken` when the token is revoked or the run has ended. */
export async function heldRun(ctx: MutationCtx, token: string, event: "append" | "heartbeat"): Promise<Run> {
  const run = await runOfToken(ctx, token);
  const step = runTable[run.status][event];
  if (step.do === "refuse") {
    throw appError({ kind: "runTaken", message: describeRefusal(step.because) });
  }
  return run;
}

/** Writes `text` where it belongs, by the rules of `growReply`, and extends the lease. */
export async function appendText(
  ctx: MutationCtx,
  run: Run,
  from: number,
  text: string,
): Promise<LeaseAnswer> {
  const grown = await growReply(ctx, run, from, text);
  return await extendLease(ctx, grown.run);
}

/** Extends the lease of a pump that has nothing to persist. A model may think for longer than a stream may live. */
export async function heartbeatOf(ctx: MutationCtx, run: Run): Promise<LeaseAnswer> {
  if (!isOld(run.openStream)) {
    return await extendLease(ctx, run);
  }
  const tail = await tailOfRun(ctx, run);
  const openStream = await openNextStream(ctx, run, persistedLength(tail), "done");
  await ctx.db.patch("tails", tail._id, { streamBytes: 0 });
  await ctx.db.patch("runs", run._id, { openStream });
  return await extendLease(ctx, run);
}

async function extendLease(ctx: MutationCtx, run: Run): Promise<LeaseAnswer> {
  const isDue = leaseEnd(run) - (run.deadline ?? 0) >= minExtensionMs;
  const deadline = isDue ? leaseEnd(run) : (run.deadline ?? 0);
  if (isDue) {
    await ctx.db.patch("runs", run._id, { deadline });
  }
  return { stop: run.stopRequestedAt !== null, leaseMs: Math.max(0, deadline - Date.now()) };
}

/** When a lease that begins now ends; a run that was asked to stop has no more than its grace. */
export function leaseEnd({ stopRequestedAt }: Pick<Run, "stopRequestedAt">): number {
  const lease = Date.now() + leaseMs;
  return stopRequestedAt === null ? lease : Math.min(lease, stopRequestedAt + stopGraceMs);
}
