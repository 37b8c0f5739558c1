/** The response at a provider that a run goes on with: kept so that a successor can resume it, cancelled with the run. */
import type { Infer } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { responseValidator } from "../schema.ts";
import { hasEnded } from "../shared/streamEvents.ts";

/** Only its holder notes what a run goes on with; an earlier response was given up by then. */
export async function noteResponse(
  ctx: MutationCtx,
  run: Doc<"runs">,
  response: Infer<typeof responseValidator>,
): Promise<void> {
  await ctx.db.patch("runs", run._id, { response });
}

/**
 * Has the provider end the response of a run that ends before it: nobody will read it. It is not for those who lost the
 * run to do, because its successor goes on with the same response.
 */
export async function cancelResponse(ctx: MutationCtx, run: Doc<"runs">): Promise<void> {
  if (run.response !== undefined && !hasEnded(run.status)) {
    const { model, response } = run;
    await ctx.scheduler.runAfter(0, internal.cancelledResponses.cancel, { model, responseId: response.id });
  }
}
