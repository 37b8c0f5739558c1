/** A reply's reasoning: written by its pump beside the text, read by those who open it. */
import { v } from "convex/values";
import { internalMutation, query } from "./_generated/server.js";
import {
  appendReasoning,
  readableReasoning,
  reasoningValidator,
  thoughtValidator,
} from "./model/replyReasoning.ts";
import { heldRun } from "./model/runLease.ts";

/**
 * What the model thought of this reply so far, from row `fromPart` on where that is given, so that following it costs
 * what is new and not all of it each time. Null if it thought nothing, or if the caller may not read it.
 */
export const get = query({
  args: { streamId: v.string(), fromPart: v.optional(v.number()) },
  returns: v.union(v.null(), reasoningValidator),
  handler: async (ctx, { streamId, fromPart = 0 }) => await readableReasoning(ctx, streamId, fromPart),
});

/**
 * Persists thoughts that begin at offset `from` of the reasoning: writes what is new, acknowledges what is there,
 * refuses a gap. It writes no row that a flush of the text reads, and leaves the lease to that.
 */
export const append = internalMutation({
  args: { token: v.string(), from: v.number(), thoughts: v.array(thoughtValidator) },
  returns: v.null(),
  handler: async (ctx, { token, from, thoughts }) => {
    await appendReasoning(ctx, await heldRun(ctx, token, "append"), from, thoughts);
    return null;
  },
});
