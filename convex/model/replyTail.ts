/** The tail of a live reply: its newest flushes in one small row, so that watching costs as much as the text and no more. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";

/** A spectator may miss this many updates in a row before it has to read the body again. */
const maxFlushes = 4;

/** UTF-16 units beyond which older flushes go early: every update sends the whole tail to every spectator. */
const maxTailLength = 2_000;

type TailText = Pick<Doc<"tails">, "from" | "flushes">;

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

export async function advanceTailRow(ctx: MutationCtx, tailId: Id<"tails">, text: string): Promise<void> {
  const tail = await ctx.db.get("tails", tailId);
  if (tail !== null) {
    await ctx.db.patch("tails", tailId, advanceTail(tail, text));
  }
}
