import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

const person = {
  bag: v.string(),
  name: v.string(),
  age: v.optional(v.number()),
  address: v.optional(v.object({ city: v.string(), zip: v.optional(v.string()) })),
};

export const add = mutation({
  args: person,
  handler: async (ctx, fields) => await ctx.db.insert("people", fields),
});

export const addAll = mutation({
  args: { people: v.array(v.object(person)) },
  handler: async (ctx, { people }) => {
    const ids = [];
    for (const fields of people) ids.push(await ctx.db.insert("people", fields));
    return ids;
  },
});

export const get = query({
  args: { id: v.string() },
  handler: async (ctx, { id }) => await ctx.db.get(id as never),
});

export const getFrom = query({
  args: { table: v.string(), id: v.string() },
  handler: async (ctx, { table, id }) => await ctx.db.get(table as never, id as never),
});

export const normalize = query({
  args: { table: v.string(), id: v.string() },
  handler: async (ctx, { table, id }) => ctx.db.normalizeId(table as never, id),
});

/** `null` in `changes` stands for a field that is to be removed: `undefined` does not pass the wire. */
export const patch = mutation({
  args: { id: v.id("people"), changes: v.record(v.string(), v.any()) },
  handler: async (ctx, { id, changes }) => {
    const entries = Object.entries(changes).map(([field, value]) => [field, value ?? undefined]);
    await ctx.db.patch(id, Object.fromEntries(entries));
    return await ctx.db.get(id);
  },
});

export const replace = mutation({
  args: { id: v.string(), document: v.any() },
  handler: async (ctx, { id, document }) => {
    await ctx.db.replace(id as never, document as never);
    return await ctx.db.get(id as never);
  },
});

export const remove = mutation({
  args: { id: v.string() },
  handler: async (ctx, { id }) => await ctx.db.delete(id as never),
});

export const insertRaw = mutation({
  args: { table: v.string(), document: v.any() },
  handler: async (ctx, { table, document }) => await ctx.db.insert(table as never, document as never),
});

/** What a transaction reads of what it wrote itself. */
export const readOwnWrites = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    const names = async () =>
      (
        await ctx.db
          .query("people")
          .withIndex("by_age", (index) => index.eq("bag", bag))
          .collect()
      ).map(({ name }) => name);
    const steps = [await names()];
    const id = await ctx.db.insert("people", { bag, name: "ann", age: 3 });
    await ctx.db.insert("people", { bag, name: "bob", age: 2 });
    steps.push(await names());
    await ctx.db.patch(id, { age: 1 });
    steps.push(await names());
    await ctx.db.delete(id);
    steps.push(await names());
    return steps;
  },
});

/** A query that is under way while its table is written to. */
export const writeWhileReading = mutation({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) => {
    const seen = [];
    const people = () => ctx.db.query("people").withIndex("by_age", (index) => index.eq("bag", bag));
    for await (const { _id, name } of people()) {
      seen.push(name);
      await ctx.db.delete(_id);
    }
    return { seen, left: (await people().collect()).length };
  },
});
