/**
 * What the holder of a run does while it works: it persists text, and keeps its lease by that or by
 * heartbeats.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { sealFullStreams } from "./replySeal.ts";
import { appendToStreams, isOld, openNextStream } from "./replyStreams.ts";
import { advanceTail, persistedLength, streamBytes, tailOfRun } from "./replyTail.ts";
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

/**
 * Writes `text` where it belongs and extends the lease. Text that is already there is acknowledged, so a
 * flush may be sent again, longer than before. Throws `internal` for a gap.
 */
export async function appendText(
  ctx: MutationCtx,
  run: Run,
  from: number,
  text: string,
): Promise<LeaseAnswer> {
  const tail = await tailOfRun(ctx, run);
  const length = persistedLength(tail);
  if (from > length) {
    throw appError({
      kind: "internal",
      message: `The text for offset ${from} was refused: only ${length} units are persisted.`,
    });
  }
  const newText = text.slice(length - from);
  if (newText === "") {
    return await extendLease(ctx, run);
  }
  const at = { from: length, streamBytes: streamBytes(tail, run) };
  const written = await appendToStreams(ctx, run, at, newText);
  const { from: tailFrom, flushes } = advanceTail(tail, newText);
  await ctx.db.patch("tails", tail._id, { from: tailFrom, flushes, streamBytes: written.streamBytes });
  if (written.openStream.index !== run.openStream.index) {
    await sealFullStreams(ctx, run, written.openStream);
  }
  return await extendLease(ctx, run, written.openStream);
}

/** Extends the lease of a pump that has nothing to persist. A model may think for longer than a stream may live. */
export async function heartbeatOf(ctx: MutationCtx, run: Run): Promise<LeaseAnswer> {
  if (!isOld(run.openStream)) {
    return await extendLease(ctx, run);
  }
  const tail = await tailOfRun(ctx, run);
  const openStream = await openNextStream(ctx, run, persistedLength(tail), "done");
  await ctx.db.patch("tails", tail._id, { streamBytes: 0 });
  return await extendLease(ctx, run, openStream);
}

/** Extends the lease, and notes the stream that is open by now. */
async function extendLease(ctx: MutationCtx, run: Run, openStream = run.openStream): Promise<LeaseAnswer> {
  const isDue = leaseEnd(run) - (run.deadline ?? 0) >= minExtensionMs;
  const deadline = isDue ? leaseEnd(run) : (run.deadline ?? 0);
  if (isDue || openStream !== run.openStream) {
    await ctx.db.patch("runs", run._id, { deadline, openStream });
  }
  return { stop: run.stopRequestedAt !== null, leaseMs: Math.max(0, deadline - Date.now()) };
}

/** When a lease that begins now ends; a run that was asked to stop has no more than its grace. */
export function leaseEnd({ stopRequestedAt }: Pick<Run, "stopRequestedAt">): number {
  const lease = Date.now() + leaseMs;
  return stopRequestedAt === null ? lease : Math.min(lease, stopRequestedAt + stopGraceMs);
}
