import { createFunctionHandle } from "convex/server";
import { v } from "convex/values";
import { api, components, internal } from "./_generated/api.js";
import { action, internalMutation, mutation, query } from "./_generated/server.js";

export const list = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<unknown> => ({
    app: (
      await ctx.db
        .query("things")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
    first: await ctx.runQuery(components.outer.things.list, { bag }),
    second: await ctx.runQuery(components.second.things.list, { bag }),
  }),
});

export const add = mutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("things", { bag, text: `app ${text}` });
    await ctx.runMutation(components.outer.things.add, { bag, text });
  },
});

export const addToSecond = mutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, args): Promise<null> => await ctx.runMutation(components.second.things.add, args),
});

export const addAndThrow = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.runMutation(components.outer.things.add, { bag, text: "undone" });
    throw new Error("the app fails after the component");
  },
});

export const survive = mutation({
  args: { bag: v.string() },
  handler: async (ctx, args): Promise<string> => await ctx.runMutation(components.outer.things.survive, args),
});

export const record = internalMutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }): Promise<string> => {
    await ctx.db.insert("things", { bag, text });
    return `recorded ${text}`;
  },
});

export const handToComponent = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<unknown> => {
    const handle = await createFunctionHandle(internal.calls.record);
    return await ctx.runMutation(components.outer.things.passDown, { handle, bag });
  },
});

export const scheduleThroughComponent = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<null> => {
    const handle = await createFunctionHandle(internal.calls.record);
    return await ctx.runMutation(components.outer.things.scheduleHandleInside, { handle, bag });
  },
});

export const scheduleInComponent = mutation({
  args: { bag: v.string() },
  handler: async (ctx, args): Promise<string> =>
    await ctx.runMutation(components.outer.things.addLaterInside, args),
});

/** The app schedules a function of a component itself. */
export const scheduleOfComponent = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.scheduler.runAfter(0, components.outer.things.add, { bag, text: "scheduled by the app" });
  },
});

export const handleTwice = query({
  args: {},
  handler: async (): Promise<{ same: boolean; looksRight: boolean }> => {
    const one = await createFunctionHandle(api.calls.list);
    const two = await createFunctionHandle(api.calls.list);
    return { same: one === two, looksRight: one.startsWith("function://") };
  },
});

export const environments = query({
  args: {},
  handler: async (ctx): Promise<unknown> => ({
    first: await ctx.runQuery(components.outer.things.environment, {}),
    second: await ctx.runQuery(components.second.things.environment, {}),
    innerOfFirst: await ctx.runQuery(components.outer.things.innerEnvironment, {}),
    innerOfSecond: await ctx.runQuery(components.second.things.innerEnvironment, {}),
  }),
});

export const hidden = mutation({
  args: {},
  handler: async (ctx) => await ctx.runMutation((components.outer.things as any).hidden, {}),
});

export const innerMetadata = query({
  args: {},
  handler: async (ctx): Promise<unknown> => await ctx.runQuery(components.outer.things.innerMetadata, {}),
});

export const identities = query({
  args: {},
  handler: async (ctx): Promise<unknown> => ({
    app: await ctx.auth.getUserIdentity(),
    inner: await ctx.runQuery(components.outer.things.innerIdentity, {}),
  }),
});

/** An id of the app's means nothing in a component, even where the tables have one name. */
export const readThroughComponent = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<unknown> => {
    const id = await ctx.db.insert("things", { bag, text: "the app's own" });
    return await ctx.runQuery(components.outer.things.innerGet, { id });
  },
});

export const fromAction = action({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<unknown> => {
    await ctx.runMutation(components.outer.things.add, { bag, text: "of an action" });
    return await ctx.runQuery(components.outer.things.list, { bag });
  },
});

export const wrongArguments = query({
  args: {},
  handler: async (ctx): Promise<unknown> =>
    await ctx.runQuery(components.outer.things.list, { nothing: 1 } as any),
});
