/** Turns that come with the POST that drives their reply. No provider SDK is loaded here. */
import { v } from "convex/values";
import type { Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { appErrorOf, appErrorValidator } from "./model/appError.ts";
import { beginRequestedTurn, turnRequestValidator, turnValidator } from "./model/turnRequest.ts";
import { claimedValidator } from "./runs.ts";
import type { AppError } from "./shared/errors.ts";
import type { Turn } from "./shared/streamEvents.ts";

type Claimed = Infer<typeof claimedValidator>;
type Answer = { turn: Turn } & ({ kind: "claimed"; run: Claimed } | { kind: "refused"; error: AppError });

/**
 * Begins the turn, unless a request of the same name did, and claims its run for the driver who asks. A claim that is
 * refused leaves the turn where it is: the person's message is not lost because somebody else writes the reply, or all
 * places are taken.
 */
export const beginAndClaim = internalMutation({
  args: { turn: turnRequestValidator, token: v.string(), driverToken: v.optional(v.string()) },
  returns: v.union(
    v.object({ kind: v.literal("claimed"), turn: turnValidator, run: claimedValidator }),
    v.object({ kind: v.literal("refused"), turn: turnValidator, error: appErrorValidator }),
  ),
  handler: async (ctx, { turn: request, token, driverToken }): Promise<Answer> => {
    const turn = await beginRequestedTurn(ctx, request);
    const { streamId } = turn;
    try {
      // A transaction of its own inside this one: what it wrote before it refused is undone, the turn is not.
      const claim = { streamId, token, driverToken, by: "driver" as const };
      const run: Claimed | { refusal: AppError } = await ctx.runMutation(internal.runs.claim, claim);
      return "refusal" in run
        ? { kind: "refused", turn, error: run.refusal }
        : { kind: "claimed", turn, run };
    } catch (thrown) {
      const error = appErrorOf(thrown);
      if (error === null) {
        throw thrown;
      }
      return { kind: "refused", turn, error };
    }
  },
});
