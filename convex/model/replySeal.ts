/**
 * Sealing: the text of a reply moves from its component streams into the numbered parts of `messageTexts`, where it
 * stays. A short reply is sealed in the transaction that ends it. A long one is sealed in steps, while it grows and
 * after its end, each step one part: so no transaction meets more text than it may, however long the reply is, and
 * whoever reads a live reply reads few streams.
 *
 * The streams that a step has stored are marked in the same transaction. A reader takes the parts and behind them the
 * streams without the mark, and so finds the whole text, once, at every moment. A step that was lost is made again by
 * the reaper.
 */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { hasEnded } from "../shared/streamEvents.ts";
import { maxStreamBytes, readStreams, streamRows } from "./replyStreams.ts";
import type { OpenStream, StreamRow } from "./replyStreams.ts";
import { maxPartBytes, storeParts } from "./replyText.ts";

/** Their text fits one part. */
const streamsPerStep = Math.floor(maxPartBytes / maxStreamBytes);

/** The reaper ends ten runs in one transaction, and has to read what is left of each. */
const maxStreamsReadAtEnd = 2;

/** A step that has not been made after this time is made by the reaper. */
const stepGraceMs = 60_000;

/** A step that fails is made again, each time after twice the wait: for seventeen hours, in which somebody may mend it. */
const maxFailures = 10;
const firstRetryMs = 60_000;

type Run = Pick<Doc<"runs">, "_id" | "messageId" | "status" | "openStream">;
type Seal = Doc<"seals">;
type Progress = Pick<Seal, "streams" | "parts" | "length">;

const nothingSealed: Progress = { streams: 0, parts: 0, length: 0 };

/**
 * Stores the rest of an ended reply: at once where that is little work, else in steps. `text` is the whole reply where
 * the caller has it, null where the streams have to be read.
 */
export async function sealEnded(ctx: MutationCtx, run: Run, text: string | null): Promise<void> {
  const seal = await sealOf(ctx, run._id);
  const progress = seal ?? nothingSealed;
  const rest = run.openStream.index + 1 - progress.streams;
  if (rest > (text === null ? maxStreamsReadAtEnd : streamsPerStep)) {
    await beginSteps(ctx, run, seal);
    return;
  }
  const rows = await streamRows(ctx, run.messageId, progress.streams, rest);
  const restText = text?.slice(progress.length) ?? (await readStreams(ctx, rows));
  const sealed = await storeRows(ctx, run.messageId, progress, rows, restText);
  await storeEmpty(ctx, run.messageId, sealed);
  if (seal !== null) {
    await noteProgress(ctx, seal, sealed, null);
  }
}

/** The growing reply has come to its stream `openStream`: where many are full before it, they are sealed. */
export async function sealFullStreams(
  ctx: MutationCtx,
  run: Pick<Run, "_id" | "messageId">,
  openStream: OpenStream,
): Promise<void> {
  if (openStream.index < streamsPerStep) {
    return;
  }
  const seal = await sealOf(ctx, run._id);
  if (openStream.index - (seal?.streams ?? 0) >= streamsPerStep) {
    await beginSteps(ctx, run, seal);
  }
}

/** One step, and the next is on its way if there is one. Nothing happens when all is done. */
export async function sealStep(ctx: MutationCtx, run: Run): Promise<void> {
  const seal = await sealOf(ctx, run._id);
  if (seal === null || seal.deadline === null) {
    return;
  }
  const isFinal = hasEnded(run.status);
  const full = isFinal ? run.openStream.index + 1 : run.openStream.index;
  // A growing reply is sealed by whole parts; of one that has ended the last part is what is left.
  const worth = isFinal ? 1 : streamsPerStep;
  const progress = full - seal.streams >= worth ? await storeNext(ctx, run, seal, full) : seal;
  if (full - progress.streams >= worth) {
    await noteProgress(ctx, seal, progress, Date.now() + stepGraceMs);
    await ctx.scheduler.runAfter(0, internal.runs.seal, { runId: run._id });
    return;
  }
  if (isFinal) {
    await storeEmpty(ctx, run.messageId, progress);
  }
  await noteProgress(ctx, seal, progress, null);
}

/** Seals all of an ended reply, later and by steps: for one that cannot be relied on to be in order. */
export async function sealInSteps(ctx: MutationCtx, run: Run): Promise<void> {
  await beginSteps(ctx, run, await sealOf(ctx, run._id));
}

/** A step failed. Answers after which time the next try comes; null when there is none, and the streams keep the text. */
export async function noteFailedStep(
  ctx: MutationCtx,
  seal: Seal,
): Promise<{ failures: number; retryMs: number | null }> {
  const failures = (seal.failures ?? 0) + 1;
  const retryMs = failures < maxFailures ? firstRetryMs * 2 ** (failures - 1) : null;
  const deadline = retryMs === null ? null : Date.now() + retryMs;
  await ctx.db.patch("seals", seal._id, { failures, deadline });
  return { failures, retryMs };
}

/**
 * Whether the streams of an ended run have to stay, as the only place of their text: until it is sealed, or for as long
 * as the chat, where the sealing failed too often.
 */
export async function needsStreams(
  ctx: MutationCtx,
  runId: Id<"runs">,
): Promise<"no" | "for now" | "for good"> {
  const seal = await sealOf(ctx, runId);
  if (seal === null) {
    return "no";
  }
  if (seal.deadline !== null) {
    return "for now";
  }
  return (seal.failures ?? 0) >= maxFailures ? "for good" : "no";
}

/** With the run, what was noted of its sealing goes. */
export async function removeSeal(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const seal = await sealOf(ctx, runId);
  if (seal !== null) {
    await ctx.db.delete("seals", seal._id);
  }
}

/** The steps that are under way go on to the end by themselves. */
async function beginSteps(
  ctx: MutationCtx,
  { _id: runId, messageId }: Pick<Run, "_id" | "messageId">,
  seal: Seal | null,
): Promise<void> {
  const deadline = Date.now() + stepGraceMs;
  if (seal === null) {
    await markUnsealed(ctx, messageId);
    await ctx.db.insert("seals", { runId, ...nothingSealed, deadline });
  } else if (seal.deadline === null) {
    await ctx.db.patch("seals", seal._id, { deadline });
  } else {
    return;
  }
  await ctx.scheduler.runAfter(0, internal.runs.seal, { runId });
}

/** Streams of an older version have no mark, which readers take for sealed as soon as there are parts. */
async function markUnsealed(ctx: MutationCtx, messageId: Id<"messages">): Promise<void> {
  for (const row of await streamRows(ctx, messageId)) {
    if (row.isSealed === undefined) {
      await ctx.db.patch("replyStreams", row._id, { isSealed: false });
    }
  }
}

async function noteProgress(
  ctx: MutationCtx,
  seal: Seal,
  { streams, parts, length }: Progress,
  deadline: number | null,
): Promise<void> {
  await ctx.db.patch("seals", seal._id, { streams, parts, length, deadline, failures: 0 });
}

/** Stores as many of the streams before number `end` as one step may. */
async function storeNext(ctx: MutationCtx, run: Run, seal: Seal, end: number): Promise<Progress> {
  const count = Math.min(streamsPerStep, end - seal.streams);
  const rows = await streamRows(ctx, run.messageId, seal.streams, count);
  return await storeRows(ctx, run.messageId, seal, rows, await readStreams(ctx, rows));
}

/** Stores the text of the next streams behind the parts that are there, and marks them. */
async function storeRows(
  ctx: MutationCtx,
  messageId: Id<"messages">,
  { streams, parts, length }: Progress,
  rows: StreamRow[],
  text: string,
): Promise<Progress> {
  const stored = await storeParts(ctx, messageId, parts, text);
  for (const row of rows) {
    await ctx.db.patch("replyStreams", row._id, { isSealed: true });
  }
  return { streams: streams + rows.length, parts: parts + stored, length: length + text.length };
}

/** A text that is empty has one part as well: it is there, and empty. */
async function storeEmpty(ctx: MutationCtx, messageId: Id<"messages">, { parts }: Progress): Promise<void> {
  if (parts === 0) {
    await ctx.db.insert("messageTexts", { messageId, part: 0, text: "" });
  }
}

async function sealOf(ctx: MutationCtx, runId: Id<"runs">): Promise<Seal | null> {
  return await ctx.db
    .query("seals")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
}
