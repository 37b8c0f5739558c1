/** The text of a live reply grows: by a flush, and by what the last call of a run carries. */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { sealFullStreams } from "./replySeal.ts";
import { appendToStreams } from "./replyStreams.ts";
import { advanceTail, persistedLength, streamBytes, tailOfRun } from "./replyTail.ts";

type Run = Doc<"runs">;

/** The run as it is by now, and the UTF-16 units that are persisted. */
export interface GrownRun {
  run: Run;
  length: number;
}

/**
 * Writes of `text`, which stands at offset `from`, what is not persisted yet. Text that is already there is
 * acknowledged, so it may be given again, longer than before. Throws `internal` for a gap.
 */
export async function growReply(ctx: MutationCtx, run: Run, from: number, text: string): Promise<GrownRun> {
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
    return { run, length };
  }
  const at = { from: length, streamBytes: streamBytes(tail, run) };
  const { openStream, streamBytes: bytes } = await appendToStreams(ctx, run, at, newText);
  const { from: tailFrom, flushes } = advanceTail(tail, newText);
  await ctx.db.patch("tails", tail._id, { from: tailFrom, flushes, streamBytes: bytes });
  if (openStream.index !== run.openStream.index) {
    await ctx.db.patch("runs", run._id, { openStream });
    await sealFullStreams(ctx, run, openStream);
  }
  return { run: { ...run, openStream }, length: length + newText.length };
}
