import { v } from "convex/values";
import { api } from "./_generated/api.js";
import { mutation, query } from "./_generated/server.js";

export const add = mutation({
  args: { bag: v.string(), texts: v.array(v.string()) },
  handler: async (ctx, { bag, texts }) => {
    for (const text of texts) await ctx.db.insert("stamped", { bag, text, at: ctx.db.vars.commitTs });
  },
});

export const list = query({
  args: { bag: v.string(), after: v.optional(v.int64()) },
  handler: async (ctx, { bag, after }) =>
    (
      await ctx.db
        .query("stamped")
        .withIndex("by_at", (index) => index.eq("bag", bag).gt("at", after ?? -1n))
        .collect()
    ).map(({ text, at }) => ({ text, at })),
});

/** What a mutation sees of its own stamps, and that only they are its own. */
export const ownStamps = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    const at = ctx.db.vars.commitTs;
    const id = await ctx.db.insert("stamped", { bag, text: "own", at, nested: { list: [at] } });
    const read = await ctx.db.get(id);
    const own = await ctx.db
      .query("stamped")
      .withIndex("by_at", (index) => index.eq("bag", bag).eq("at", at))
      .collect();
    return {
      isPlaceholder: read?.at === at && read.nested.list[0] === at,
      own: own.map(({ text }) => text),
      last: (
        await ctx.db
          .query("stamped")
          .withIndex("by_at", (index) => index.eq("bag", bag))
          .order("desc")
          .first()
      )?.text,
    };
  },
});

export const put = mutation({
  args: { bag: v.string(), text: v.string(), at: v.commitTs() },
  handler: async (ctx, document) => {
    await ctx.db.insert("stamped", document);
  },
});

/** The placeholder goes through another mutation, and a patch. */
export const passOn = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    const at = ctx.db.vars.commitTs;
    const id = await ctx.db.insert("stamped", { bag, text: "patched", at: 1n });
    await ctx.runMutation(api.stamps.put, { bag, text: "passed on", at });
    await ctx.db.patch(id, { at });
  },
});

export const storeSnapshotTs = query({ args: {}, handler: async (ctx) => await ctx.meta.getSnapshotTs() });
