/** Noting what a provider goes on with by itself. No provider SDK is loaded here. */
import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { heldRun } from "./model/runLease.ts";
import { noteResponse } from "./model/runResponse.ts";
import { responseValidator } from "./schema.ts";

/** Once for each request of the run's pump, as soon as the provider names it. The lease is left to the flushes. */
export const note = internalMutation({
  args: { token: v.string(), response: responseValidator },
  returns: v.null(),
  handler: async (ctx, { token, response }) => {
    await noteResponse(ctx, await heldRun(ctx, token, "append"), response);
    return null;
  },
});
