import { ConvexError, v } from "convex/values";
import { api, internal } from "./_generated/api.js";
import { action, internalMutation, mutation, query } from "./_generated/server.js";

export const read = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => (await counterOf(ctx, bag))?.value ?? 0,
});

export const texts = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("entries")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ text }) => text),
});

/** Reads, then writes: a lost update would show. */
export const increment = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    const counter = await counterOf(ctx, bag);
    if (counter === null) await ctx.db.insert("counters", { bag, value: 1 });
    else await ctx.db.patch(counter._id, { value: counter.value + 1 });
    return (counter?.value ?? 0) + 1;
  },
});

export const write = mutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }) => await ctx.db.insert("entries", { bag, text }),
});

export const writeAndThrow = mutation({
  args: { bag: v.string(), data: v.optional(v.any()) },
  handler: async (ctx, { bag, data }) => {
    await ctx.db.insert("entries", { bag, text: "undone" });
    throw data === undefined ? new Error("the mutation failed") : new ConvexError(data);
  },
});

/** The inner mutation fails and is caught: what it wrote is gone, the rest stays. */
export const catchInner = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<{ message: string; seen: string[] }> => {
    await ctx.db.insert("entries", { bag, text: "before" });
    let message = "nothing was thrown";
    try {
      await ctx.runMutation(api.counters.writeAndThrow, { bag });
    } catch (error) {
      message = (error as Error).message;
    }
    await ctx.db.insert("entries", { bag, text: "after" });
    return { message, seen: await ctx.runQuery(api.counters.texts, { bag }) };
  },
});

/** As `catchInner`, one call deeper, and the outer of the inner ones goes through. */
export const catchInnermost = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<string[]> => {
    await ctx.runMutation(internal.counters.middle, { bag });
    return await ctx.runQuery(api.counters.texts, { bag });
  },
});

export const middle = internalMutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.db.insert("entries", { bag, text: "middle" });
    await ctx.runMutation(api.counters.writeAndThrow, { bag }).catch(() => null);
  },
});

export const innerData = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    try {
      await ctx.runMutation(api.counters.writeAndThrow, { bag, data: { code: 7 } });
    } catch (error) {
      return {
        isConvexError: error instanceof ConvexError,
        data: (error as ConvexError<{ code: number }>).data,
      };
    }
    return null;
  },
});

/** Neither does the schedule of what is undone run. */
export const catchInnerSchedule = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.runMutation(internal.counters.scheduleAndThrow, { bag }).catch(() => null);
    await ctx.scheduler.runAfter(0, api.counters.write, { bag, text: "scheduled outside" });
  },
});

export const scheduleAndThrow = internalMutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    await ctx.scheduler.runAfter(0, api.counters.write, { bag, text: "scheduled inside" });
    throw new Error("undone");
  },
});

export const snapshotDuringWrite = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<{ own: string[]; committed: string[] }> => {
    await ctx.db.insert("entries", { bag, text: "uncommitted" });
    return {
      own: await ctx.runQuery(api.counters.texts, { bag }),
      committed: await ctx.runQuery(api.counters.texts, { bag }, { useStaleSnapshot: true }),
    };
  },
});

/** An action's steps are transactions of their own: what one did stays when the next fails. */
export const stepwise = action({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<string> => {
    await ctx.runMutation(api.counters.write, { bag, text: "step one" });
    try {
      await ctx.runMutation(api.counters.writeAndThrow, { bag });
    } catch (error) {
      return (error as Error).message;
    }
    return "nothing was thrown";
  },
});

/** Both branches run; in one transaction nothing comes between them. */
export const inParallel = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<number[]> =>
    await Promise.all([1, 2, 3].map(() => ctx.runMutation(api.counters.increment, { bag }))),
});

async function counterOf(ctx: { db: any }, bag: string): Promise<{ _id: any; value: number } | null> {
  return await ctx.db
    .query("counters")
    .withIndex("by_bag", (index: any) => index.eq("bag", bag))
    .unique();
}
