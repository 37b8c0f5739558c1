import { internal } from "./_generated/api.js";
import { action, internalQuery, mutation, query } from "./_generated/server.js";

export const amI = query({ args: {}, handler: async (ctx) => await ctx.auth.getUserIdentity() });

export const inMutation = mutation({
  args: {},
  handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null,
});

export const inAction = action({
  args: {},
  handler: async (ctx): Promise<unknown[]> => [
    (await ctx.auth.getUserIdentity())?.subject ?? null,
    await ctx.runQuery(internal.who.inside, {}),
  ],
});

export const inside = internalQuery({
  args: {},
  handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null,
});
