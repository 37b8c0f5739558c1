/** The models a person can choose from. */
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import { requireUser } from "./model/access.ts";
import { defaultModel, offeredModels } from "./providers/modelChoice.ts";

/** Also those without key, disabled, with the variable to set. */
export const list = query({
  args: {},
  returns: v.array(
    v.object({
      id: v.string(),
      label: v.string(),
      provider: v.string(),
      available: v.boolean(),
      unavailableReason: v.union(v.string(), v.null()),
      isDefault: v.boolean(),
    }),
  ),
  handler: async (ctx) => {
    await requireUser(ctx);
    const models = offeredModels(process.env);
    const preset = defaultModel(models, process.env);
    return models.map(({ id, label, provider, endpoint, unavailableReason }) => ({
      id,
      label,
      provider: provider === "demoAnthropic" ? "demo" : provider,
      available: endpoint !== null,
      unavailableReason,
      isDefault: id === preset?.id,
    }));
  },
});
