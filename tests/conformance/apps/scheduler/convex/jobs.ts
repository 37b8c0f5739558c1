import { v } from "convex/values";
import { api, internal } from "./_generated/api.js";
import { action, internalAction, internalMutation, mutation, query } from "./_generated/server.js";

export const marks = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("marks")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
});

export const mark = internalMutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("marks", { bag, text });
  },
});

export const markFromAction = internalAction({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, args): Promise<void> => {
    await ctx.runMutation(internal.jobs.mark, args);
  },
});

export const fail = internalMutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.db.insert("marks", { bag, text: "never seen" });
    throw new Error("this job fails");
  },
});

export const failInAction = internalAction({
  args: {},
  handler: async () => {
    throw new Error("this action fails");
  },
});

const target = v.union(
  v.literal("mark"),
  v.literal("markFromAction"),
  v.literal("fail"),
  v.literal("failInAction"),
);

export const schedule = mutation({
  args: { target, args: v.any(), afterMs: v.number() },
  handler: async (ctx, { target, args, afterMs }): Promise<string> =>
    await ctx.scheduler.runAfter(afterMs, internal.jobs[target] as any, args),
});

export const scheduleAt = mutation({
  args: { bag: v.string(), text: v.string(), atMs: v.number() },
  handler: async (ctx, { bag, text, atMs }): Promise<string> =>
    await ctx.scheduler.runAt(atMs, internal.jobs.mark, { bag, text }),
});

export const scheduleAtDate = mutation({
  args: { bag: v.string(), text: v.string(), atMs: v.number() },
  handler: async (ctx, { bag, text, atMs }): Promise<string> =>
    await ctx.scheduler.runAt(new Date(atMs), internal.jobs.mark, { bag, text }),
});

export const scheduleFromAction = action({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, args): Promise<string> => await ctx.scheduler.runAfter(0, internal.jobs.mark, args),
});

export const cancelFromAction = action({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => await ctx.scheduler.cancel(id),
});

export const scheduleAndThrow = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.scheduler.runAfter(0, internal.jobs.mark, { bag, text: "never seen" });
    throw new Error("nothing is scheduled");
  },
});

/** The one that is scheduled second comes after all that the first one could have left. */
export const scheduleAndCancel = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<string> => {
    const id = await ctx.scheduler.runAfter(0, internal.jobs.mark, { bag, text: "canceled" });
    await ctx.scheduler.cancel(id);
    await ctx.scheduler.runAfter(0, internal.jobs.mark, { bag, text: "kept" });
    return id;
  },
});

export const cancel = mutation({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => await ctx.scheduler.cancel(id),
});

export const scheduleMany = mutation({
  args: { bag: v.string(), count: v.number() },
  handler: async (ctx, { bag, count }) => {
    for (let job = 0; job < count; job += 1) {
      await ctx.scheduler.runAfter(0, internal.jobs.mark, { bag, text: String(job) });
    }
  },
});

/** A job that schedules the next, until the count is down. */
export const countDown = internalMutation({
  args: { bag: v.string(), left: v.number() },
  handler: async (ctx, { bag, left }) => {
    await ctx.db.insert("marks", { bag, text: `left ${left}` });
    if (left > 0) await ctx.scheduler.runAfter(0, internal.jobs.countDown, { bag, left: left - 1 });
  },
});

export const startCountDown = mutation({
  args: { bag: v.string(), left: v.number() },
  handler: async (ctx, args) => {
    await ctx.scheduler.runAfter(0, internal.jobs.countDown, args);
  },
});

export const misuse = mutation({
  args: { kind: v.string() },
  handler: async (ctx, { kind }): Promise<unknown> => {
    const misuses: Record<string, () => Promise<unknown>> = {
      negative: () => ctx.scheduler.runAfter(-1, internal.jobs.mark, { bag: "x", text: "x" }),
      infinite: () => ctx.scheduler.runAfter(Infinity, internal.jobs.mark, { bag: "x", text: "x" }),
      missing: () => ctx.scheduler.runAfter(0, (api as any).jobs.nowhere, {}),
      wrongArgs: () => ctx.scheduler.runAfter(0, internal.jobs.mark, { wrong: true } as any),
      tooFar: () =>
        ctx.scheduler.runAfter(6 * 365 * 24 * 3600 * 1000, internal.jobs.mark, { bag: "x", text: "x" }),
    };
    return await misuses[kind]!();
  },
});

export const job = query({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => await ctx.db.system.get(id),
});

export const pendingOf = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (await ctx.db.system.query("_scheduled_functions").collect()).filter(
      ({ args, state }) => state.kind === "pending" && (args[0] as { bag?: string }).bag === bag,
    ),
});

export const whoRunsMe = internalMutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
    await ctx.db.insert("marks", { bag, text: String(scheduledFunctionId) });
  },
});

export const scheduleWhoRunsMe = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<string> =>
    await ctx.scheduler.runAfter(0, internal.jobs.whoRunsMe, { bag }),
});

export const ticks = query({
  args: { cron: v.string() },
  handler: async (ctx, { cron }) =>
    await ctx.db
      .query("ticks")
      .withIndex("by_cron", (index) => index.eq("cron", cron))
      .collect(),
});

export const tick = internalMutation({
  args: { cron: v.string(), extra: v.optional(v.array(v.number())) },
  handler: async (ctx, { cron, extra }) => {
    await ctx.db.insert("ticks", { cron, args: extra ?? null });
  },
});

export const tickInAction = internalAction({
  args: { cron: v.string() },
  handler: async (ctx, { cron }): Promise<void> => {
    await ctx.runMutation(internal.jobs.tick, { cron });
  },
});
