import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import { query } from "./_generated/server.js";

const bound = v.optional(v.object({ op: v.string(), value: v.optional(v.any()) }));

/** `by_age`, with the bounds that the caller gives. */
export const byAge = query({
  args: {
    bag: v.string(),
    lower: bound,
    upper: bound,
    order: v.optional(v.union(v.literal("asc"), v.literal("desc"))),
    take: v.optional(v.number()),
  },
  handler: async (ctx, { bag, lower, upper, order, take }) => {
    const query = ctx.db
      .query("people")
      .withIndex("by_age", (index) => {
        let range: any = index.eq("bag", bag);
        if (lower) range = range[lower.op]("age", lower.value);
        if (upper) range = range[upper.op]("age", upper.value);
        return range;
      })
      .order(order ?? "asc");
    return names(take === undefined ? await query.collect() : await query.take(take));
  },
});

export const withoutAge = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    names(
      await ctx.db
        .query("people")
        .withIndex("by_age", (index) => index.eq("bag", bag).eq("age", undefined))
        .collect(),
    ),
});

export const aged = query({
  args: { bag: v.string(), age: v.number(), from: v.optional(v.string()) },
  handler: async (ctx, { bag, age, from }) =>
    names(
      await ctx.db
        .query("people")
        .withIndex("by_age_and_name", (index) => {
          const aged = index.eq("bag", bag).eq("age", age);
          return from === undefined ? aged : aged.gt("name", from);
        })
        .collect(),
    ),
});

export const inCity = query({
  args: { bag: v.string(), city: v.string() },
  handler: async (ctx, { bag, city }) =>
    names(
      await ctx.db
        .query("people")
        .withIndex("by_city", (index) => index.eq("bag", bag).eq("address.city", city))
        .collect(),
    ),
});

/** Since the creation of the document with this id, which is not among them. */
export const createdAfter = query({
  args: { bag: v.string(), id: v.id("people") },
  handler: async (ctx, { bag, id }) => {
    const document = await ctx.db.get(id);
    if (document === null) return null;
    return names(
      await ctx.db
        .query("people")
        .withIndex("by_bag", (index) => index.eq("bag", bag).gt("_creationTime", document._creationTime))
        .collect(),
    );
  },
});

export const first = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("people")
        .withIndex("by_age", (index) => index.eq("bag", bag))
        .first()
    )?.name ?? null,
});

export const unique = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("people")
        .withIndex("by_age", (index) => index.eq("bag", bag))
        .unique()
    )?.name ?? null,
});

export const newestOfTable = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("people").order("desc").first())?.name ?? null,
});

/** What the index builder refuses. */
export const misuse = query({
  args: { kind: v.string() },
  handler: async (ctx, { kind }) => {
    const people = ctx.db.query("people") as any;
    const misuses: Record<string, () => unknown> = {
      missingIndex: () => people.withIndex("by_nothing").collect(),
      skippedField: () => people.withIndex("by_age", (index: any) => index.eq("age", 1)).collect(),
      fieldNotInIndex: () =>
        people.withIndex("by_bag", (index: any) => index.eq("bag", "x").eq("color", 1)).collect(),
      missingTable: () => ctx.db.query("never_made" as never).collect(),
      systemTable: () => ctx.db.query("_scheduled_functions" as never).collect(),
      twoBounds: () =>
        people.withIndex("by_age", (index: any) => index.gt("bag", "a").gt("bag", "b")).collect(),
    };
    return await misuses[kind]!();
  },
});

function names(people: Doc<"people">[]): string[] {
  return people.map(({ name }) => name);
}
