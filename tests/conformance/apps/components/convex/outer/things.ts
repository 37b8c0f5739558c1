import { v } from "convex/values";
import { components } from "./_generated/api.js";
import { env, internalMutation, mutation, query } from "./_generated/server.js";

export const list = query({
  args: { bag: v.string() },
  returns: v.any(),
  handler: async (ctx, { bag }): Promise<{ outer: string[]; inner: string[] }> => ({
    outer: (
      await ctx.db
        .query("things")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
    inner: await ctx.runQuery(components.inner.things.list, { bag }),
  }),
});

export const add = mutation({
  args: { bag: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("things", { bag, text: `outer ${text}` });
    await ctx.runMutation(components.inner.things.add, { bag, text: `inner ${text}` });
    return null;
  },
});

/** Catches what the innermost throws and keeps its own. */
export const survive = mutation({
  args: { bag: v.string() },
  returns: v.string(),
  handler: async (ctx, { bag }): Promise<string> => {
    await ctx.db.insert("things", { bag, text: "kept" });
    try {
      await ctx.runMutation(components.inner.things.addAndThrow, { bag });
    } catch (error) {
      return (error as Error).message;
    }
    return "nothing was thrown";
  },
});

export const passDown = mutation({
  args: { handle: v.string(), bag: v.string() },
  returns: v.any(),
  handler: async (ctx, args): Promise<unknown> =>
    await ctx.runMutation(components.inner.things.callBack, args),
});

export const innerEnvironment = query({
  args: {},
  returns: v.any(),
  handler: async (ctx): Promise<unknown> => await ctx.runQuery(components.inner.things.environment, {}),
});

export const environment = query({
  args: {},
  returns: v.any(),
  handler: async () => ({ greeting: env.GREETING, mode: env.MODE ?? null }),
});

export const hidden = internalMutation({ args: {}, returns: v.null(), handler: async () => null });

export const addLaterInside = mutation({
  args: { bag: v.string() },
  returns: v.string(),
  handler: async (ctx, { bag }): Promise<string> =>
    await ctx.runMutation(components.inner.things.addLater, { bag, text: "later" }),
});

export const scheduleHandleInside = mutation({
  args: { handle: v.string(), bag: v.string() },
  returns: v.null(),
  handler: async (ctx, args): Promise<null> =>
    await ctx.runMutation(components.inner.things.scheduleHandle, args),
});

export const innerMetadata = query({
  args: {},
  returns: v.any(),
  handler: async (ctx): Promise<unknown> => await ctx.runQuery(components.inner.things.metadata, {}),
});

export const innerIdentity = query({
  args: {},
  returns: v.any(),
  handler: async (ctx): Promise<unknown> => await ctx.runQuery(components.inner.things.whoAmI, {}),
});

export const innerGet = query({
  args: { id: v.string() },
  returns: v.any(),
  handler: async (ctx, args): Promise<unknown> =>
    await ctx.runQuery(components.inner.things.readForeign, args),
});
