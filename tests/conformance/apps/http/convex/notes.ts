import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("http_notes", { bag, text });
  },
});

export const list = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("http_notes")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
});
