/**
 * How many replies may wait for their beginning. A sender beyond that is refused while nothing is written yet, so the
 * message stays in its composer, instead of a reply that would come in an hour.
 */
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";

/** More than a person has in hand, also with every tab of a large screen; a runaway script reaches it in a minute. */
const maxWaitingOfOwner = 100;
const ownerRetryMs = 5_000;

/** With 48 replies at once, of twenty seconds each, the last of them begins after about seven minutes. */
const maxWaiting = 1_000;
const retryMs = 30_000;

/**
 * Throws `tooManyRequests` when one more would be too many. The owner's are counted exactly; in all only those that
 * are in the queue, which no send writes to, so that sends do not wait for each other.
 */
export async function requireRoomToWait(ctx: MutationCtx, ownerId: string): Promise<void> {
  const ofOwner = await ctx.db
    .query("runs")
    .withIndex("by_owner", (q) => q.eq("ownerId", ownerId).eq("status", "queued"))
    .take(maxWaitingOfOwner);
  if (ofOwner.length >= maxWaitingOfOwner) {
    const message = `${maxWaitingOfOwner} of your replies wait to be begun, which is the most. Wait for some or stop them.`;
    throw appError({ kind: "tooManyRequests", message, retryAfterMs: ownerRetryMs });
  }
  const waiting = await ctx.db
    .query("serverQueue")
    .withIndex("by_state", (q) => q.eq("state", "waiting"))
    .take(maxWaiting);
  if (waiting.length >= maxWaiting) {
    const message = `${maxWaiting} replies wait to be begun, which is the most. Try again in half a minute.`;
    throw appError({ kind: "tooManyRequests", message, retryAfterMs: retryMs });
  }
}
