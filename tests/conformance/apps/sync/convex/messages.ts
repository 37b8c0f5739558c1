import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server.js";

export const list = query({
  args: { room: v.string() },
  handler: async (ctx, { room }) =>
    (
      await ctx.db
        .query("messages")
        .withIndex("by_room", (index) => index.eq("room", room))
        .collect()
    ).map(({ text }) => text),
});

/** Two views of the same rows, which must never disagree in one state of the client. */
export const count = query({
  args: { room: v.string() },
  handler: async (ctx, { room }) =>
    (
      await ctx.db
        .query("messages")
        .withIndex("by_room", (index) => index.eq("room", room))
        .collect()
    ).length,
});

export const page = query({
  args: { room: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { room, paginationOpts }) =>
    await ctx.db
      .query("messages")
      .withIndex("by_room", (index) => index.eq("room", room))
      .paginate(paginationOpts),
});

export const send = mutation({
  args: { room: v.string(), text: v.string(), rank: v.optional(v.number()) },
  handler: async (ctx, { room, text, rank }) => {
    const count = (
      await ctx.db
        .query("messages")
        .withIndex("by_room", (index) => index.eq("room", room))
        .collect()
    ).length;
    await ctx.db.insert("messages", { room, text, rank: rank ?? count });
    return count + 1;
  },
});

export const clear = mutation({
  args: { room: v.string() },
  handler: async (ctx, { room }) => {
    const messages = ctx.db.query("messages").withIndex("by_room", (index) => index.eq("room", room));
    for (const { _id } of await messages.collect()) await ctx.db.delete(_id);
  },
});

export const refuse = mutation({
  args: {},
  handler: async () => {
    throw new Error("refused");
  },
});

export const failsWhileFull = query({
  args: { room: v.string() },
  handler: async (ctx, { room }) => {
    const message = await ctx.db
      .query("messages")
      .withIndex("by_room", (index) => index.eq("room", room))
      .first();
    if (message !== null) throw new Error(`the room has ${message.text}`);
    return "empty";
  },
});

export const echo = action({ args: { text: v.string() }, handler: async (_ctx, { text }) => `echo ${text}` });

export const log = query({
  args: {},
  handler: async () => {
    console.log("from the query");
    return 1;
  },
});
