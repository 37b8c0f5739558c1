import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const list = query({
  args: {
    bag: v.string(),
    paginationOpts: paginationOptsValidator,
    order: v.optional(v.union(v.literal("asc"), v.literal("desc"))),
  },
  handler: async (ctx, { bag, paginationOpts, order }) =>
    await ctx.db
      .query("pages")
      .withIndex("by_rank", (index) => index.eq("bag", bag))
      .order(order ?? "asc")
      .paginate(paginationOpts),
});

export const reds = query({
  args: { bag: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { bag, paginationOpts }) =>
    await ctx.db
      .query("pages")
      .withIndex("by_rank", (index) => index.eq("bag", bag))
      .filter((q) => q.eq(q.field("color"), "red"))
      .paginate(paginationOpts),
});

export const byTable = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts }) => await ctx.db.query("pages").paginate(paginationOpts),
});

export const twice = query({
  args: { bag: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { bag, paginationOpts }) => {
    const pages = () => ctx.db.query("pages").withIndex("by_rank", (index) => index.eq("bag", bag));
    await pages().paginate(paginationOpts);
    return await pages().paginate(paginationOpts);
  },
});

export const add = mutation({
  args: { bag: v.string(), rank: v.number(), color: v.optional(v.string()) },
  handler: async (ctx, { bag, rank, color }) =>
    await ctx.db.insert("pages", { bag, rank, color: color ?? "blue" }),
});

export const fill = mutation({
  args: { bag: v.string(), count: v.number() },
  handler: async (ctx, { bag, count }) => {
    for (let rank = 0; rank < count; rank += 1) {
      await ctx.db.insert("pages", { bag, rank, color: rank % 3 === 0 ? "red" : "blue" });
    }
  },
});

export const remove = mutation({
  args: { bag: v.string(), ranks: v.array(v.number()) },
  handler: async (ctx, { bag, ranks }) => {
    for (const rank of ranks) {
      const pages = ctx.db
        .query("pages")
        .withIndex("by_rank", (index) => index.eq("bag", bag).eq("rank", rank));
      for (const { _id } of await pages.collect()) await ctx.db.delete(_id);
    }
  },
});
