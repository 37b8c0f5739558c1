import { ConvexError, v } from "convex/values";
import { action, internalMutation, internalQuery, mutation, query } from "./_generated/server.js";

export const list = query({
  args: { bag: v.string() },
  returns: v.array(v.string()),
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("cli_notes")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
});

export const add = mutation({
  args: { bag: v.string(), text: v.string(), value: v.optional(v.any()) },
  handler: async (ctx, document) => {
    console.log("adding", document.text);
    await ctx.db.insert("cli_notes", document);
  },
});

export const clear = internalMutation({
  args: {},
  handler: async (ctx) => {
    for (const { _id } of await ctx.db.query("cli_notes").collect()) await ctx.db.delete(_id);
  },
});

export const secret = internalQuery({
  args: {},
  handler: async () => ({ big: 7n, bytes: new ArrayBuffer(2) }),
});

export const shout = action({
  args: { text: v.string() },
  handler: async (_ctx, { text }) => {
    console.warn("shouting");
    return text.toUpperCase();
  },
});

export const fails = query({
  args: { custom: v.optional(v.boolean()) },
  handler: async (_ctx, { custom }) => {
    if (custom === true) throw new ConvexError({ reason: "custom" });
    throw new Error("this query fails");
  },
});

export const nothing = mutation({ args: {}, handler: async () => null });

export const whoAmI = query({ args: {}, handler: async (ctx) => await ctx.auth.getUserIdentity() });

export default query({ args: {}, handler: async () => "the default export" });
