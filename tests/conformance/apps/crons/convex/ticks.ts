import { v } from "convex/values";
import { internalMutation, query } from "./_generated/server.js";

export const add = internalMutation({
  args: { cron: v.string() },
  handler: async (ctx, { cron }) => {
    await ctx.db.insert("cron_ticks", { cron });
  },
});

export const of = query({
  args: { cron: v.string() },
  handler: async (ctx, { cron }) =>
    await ctx.db
      .query("cron_ticks")
      .withIndex("by_cron", (index) => index.eq("cron", cron))
      .collect(),
});
