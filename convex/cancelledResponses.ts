/** Ending at the provider what a run that ended before it had asked for. */
import { v } from "convex/values";
import { internalAction } from "./_generated/server.js";
import { createProvider } from "./providers/createProvider.ts";
import { modelOfRun } from "./providers/modelChoice.ts";
import { asProviderError } from "./providers/provider.ts";

/** Waits before the provider is asked once more. It makes the response for nobody meanwhile, at somebody's expense. */
const retryWaitsMs = [1_000, 5_000, 15_000];

export const cancel = internalAction({
  args: { model: v.string(), responseId: v.string() },
  returns: v.null(),
  handler: async (_ctx, { model, responseId }) => {
    const provider = createProvider(modelOfRun(process.env, model).endpoint);
    for (const waitMs of [...retryWaitsMs, null]) {
      try {
        await provider.cancel?.(responseId);
        return null;
      } catch (thrown) {
        const error = asProviderError(thrown);
        if (!error.isRetryable || waitMs === null) {
          console.warn(`The response ${responseId} could not be cancelled: ${error.message}`);
          return null;
        }
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
    return null;
  },
});
