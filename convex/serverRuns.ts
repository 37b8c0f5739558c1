/** The runs that nobody drives: the same pump, with the database as its only sink. */
import { v } from "convex/values";
import { internalAction } from "./_generated/server.js";
import { appErrorOf } from "./model/appError.ts";
import { claimRun, produceReply } from "./streaming/claimedRun.ts";
import { noSink } from "./streaming/replySink.ts";

/**
 * Claims when it begins, never when it is scheduled: a late driver may have come first, and keeps the run.
 */
export const produce = internalAction({
  args: { streamId: v.string() },
  returns: v.null(),
  handler: async (ctx, { streamId }) => {
    try {
      const run = await claimRun(ctx, { streamId, by: "server" });
      await produceReply(ctx, run, noSink);
    } catch (error) {
      const refusal = appErrorOf(error)?.kind;
      if (refusal !== "runTaken" && refusal !== "notFound" && refusal !== "tooManyRequests") {
        throw error;
      }
      // Somebody else has the run, it is gone, or it is in the queue again: nothing is left to do.
    }
    return null;
  },
});
