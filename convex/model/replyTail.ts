/**
 * The tail of a live reply: its newest flushes in one small row, so that watching costs as much as the text
 * and no more. Where the tail ends, the persisted text ends.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";

/** A spectator may miss this many updates in a row before it has to read the body again. */
const maxFlushes = 4;

/** UTF-16 units beyond which older flushes go early: every update sends the whole tail to every spectator. */
const maxTailLength = 2_000;

/** Of UTF-8, for a UTF-16 unit. */
const maxBytesPerUnit = 3;

type TailText = Pick<Doc<"tails">, "from" | "flushes">;

/** The tail of a run, which exists as long as the run does. */
export async function tailOfRun(ctx: MutationCtx, run: Doc<"runs">): Promise<Doc<"tails">> {
  const tail = await ctx.db.get("tails", run.tailId);
  if (tail === null) {
    throw appError({ kind: "internal", message: `The run ${run._id} has no tail.` });
  }
  return tail;
}

/** UTF-16 units of the reply that are in the component's streams. */
export function persistedLength({ from, flushes }: TailText): number {
  return flushes.reduce((length, flush) => length + flush.length, from);
}

/** UTF-8 bytes in the stream that takes the next chunk; the most that it can be where nobody counted. */
export function streamBytes(tail: Doc<"tails">, { openStream }: Pick<Doc<"runs">, "openStream">): number {
  return tail.streamBytes ?? (persistedLength(tail) - openStream.from) * maxBytesPerUnit;
}

/** The tail after one more flush. The newest flush is always in it, whole. */
export function advanceTail(tail: TailText, text: string): TailText {
  const flushes = [...tail.flushes, text];
  let from = tail.from;
  let length = flushes.reduce((sum, flush) => sum + flush.length, 0);
  while (flushes.length > maxFlushes || (flushes.length > 1 && length > maxTailLength)) {
    const oldest = flushes.shift() ?? "";
    from += oldest.length;
    length -= oldest.length;
  }
  return { from, flushes };
}
