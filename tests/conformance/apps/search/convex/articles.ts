import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { bag: v.string(), body: v.string(), rank: v.optional(v.number()) },
  handler: async (ctx, { bag, body, rank }) =>
    await ctx.db.insert("articles", { bag, body, rank: rank ?? 0 }),
});

export const edit = mutation({
  args: { id: v.id("articles"), body: v.string() },
  handler: async (ctx, { id, body }) => await ctx.db.patch(id, { body }),
});

export const remove = mutation({
  args: { id: v.id("articles") },
  handler: async (ctx, { id }) => await ctx.db.delete(id),
});

export const find = query({
  args: { bag: v.string(), text: v.string(), rank: v.optional(v.number()) },
  handler: async (ctx, { bag, text, rank }) =>
    (
      await ctx.db
        .query("articles")
        .withSearchIndex("by_body", (q) => {
          const found = q.search("body", text).eq("bag", bag);
          return rank === undefined ? found : found.eq("rank", rank);
        })
        .take(50)
    ).map(({ body }) => body),
});

export const page = query({
  args: { bag: v.string(), text: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { bag, text, paginationOpts }) =>
    await ctx.db
      .query("articles")
      .withSearchIndex("by_body", (q) => q.search("body", text).eq("bag", bag))
      .paginate(paginationOpts),
});

export const ordered = query({
  args: { text: v.string() },
  handler: async (ctx, { text }) =>
    await (ctx.db.query("articles").withSearchIndex("by_body", (q) => q.search("body", text)) as any)
      .order("desc")
      .take(1),
});
