import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { action, env, internalMutation, mutation, query } from "./_generated/server.js";

export const list = query({
  args: { bag: v.string() },
  returns: v.array(v.string()),
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("things")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
});

export const add = mutation({
  args: { bag: v.string(), text: v.string() },
  returns: v.string(),
  handler: async (ctx, { bag, text }): Promise<string> => await ctx.db.insert("things", { bag, text }),
});

export const addAndThrow = mutation({
  args: { bag: v.string() },
  returns: v.null(),
  handler: async (ctx, { bag }) => {
    await ctx.db.insert("things", { bag, text: "undone" });
    throw new Error("the innermost fails");
  },
});

export const addLater = mutation({
  args: { bag: v.string(), text: v.string() },
  returns: v.string(),
  handler: async (ctx, args): Promise<string> =>
    await ctx.scheduler.runAfter(0, internal.things.addScheduled, args),
});

export const addScheduled = internalMutation({
  args: { bag: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("things", { bag, text });
    return null;
  },
});

/** Calls back what the app handed down as a handle, in the same transaction. */
export const callBack = mutation({
  args: { handle: v.string(), bag: v.string() },
  returns: v.any(),
  handler: async (ctx, { handle, bag }) => await ctx.runMutation(handle as any, { bag, text: "called back" }),
});

export const scheduleHandle = mutation({
  args: { handle: v.string(), bag: v.string() },
  returns: v.null(),
  handler: async (ctx, { handle, bag }) => {
    await ctx.scheduler.runAfter(0, handle as any, { bag, text: "scheduled by handle" });
    return null;
  },
});

export const environment = query({
  args: {},
  returns: v.any(),
  handler: async () => ({
    fromParent: env.FROM_PARENT,
    fixed: process.env.FIXED,
    ofTheApp: process.env.CONFORMANCE_APP_ONLY ?? null,
  }),
});

export const inAction = action({
  args: { bag: v.string() },
  returns: v.any(),
  handler: async (ctx, { bag }): Promise<unknown> => {
    await ctx.runMutation(internal.things.addScheduled, { bag, text: "from an action" });
    return { fixed: process.env.FIXED };
  },
});

export const whoAmI = query({
  args: {},
  returns: v.any(),
  handler: async (ctx) => await ctx.auth.getUserIdentity(),
});

export const readForeign = query({
  args: { id: v.string() },
  returns: v.any(),
  handler: async (ctx, { id }) => await ctx.db.get(id as never),
});

export const metadata = query({
  args: {},
  returns: v.any(),
  handler: async (ctx) => await ctx.meta.getFunctionMetadata(),
});
