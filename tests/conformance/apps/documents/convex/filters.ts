import { v } from "convex/values";
import { query } from "./_generated/server.js";

/** Each operator of `.filter()` by name. */
export const byOperator = query({
  args: { bag: v.string(), operator: v.string(), value: v.optional(v.any()) },
  handler: async (ctx, { bag, operator, value }) => {
    const people = await ctx.db
      .query("people")
      .withIndex("by_bag", (index) => index.eq("bag", bag))
      .filter((q) => {
        const age = q.field("age") as any;
        const filters: Record<string, () => any> = {
          eq: () => q.eq(age, value),
          neq: () => q.neq(age, value),
          lt: () => q.lt(age, value),
          lte: () => q.lte(age, value),
          gt: () => q.gt(age, value),
          gte: () => q.gte(age, value),
          addIs: () => q.eq(q.add(age, 1), value),
          subIs: () => q.eq(q.sub(age, 1), value),
          mulIs: () => q.eq(q.mul(age, 2), value),
          divIs: () => q.eq(q.div(age, 2), value),
          modIs: () => q.eq(q.mod(age, 2), value),
          negIs: () => q.eq(q.neg(age), value),
          and: () => q.and(q.gt(age, 1), q.lt(age, value)),
          or: () => q.or(q.eq(age, 1), q.eq(age, value)),
          not: () => q.not(q.eq(age, value)),
          missing: () => q.eq(q.field("age"), undefined),
          nested: () => q.eq(q.field("address.city" as never), value),
        };
        return filters[operator]!();
      })
      .collect();
    return people.map(({ name }) => name);
  },
});

export const twoFilters = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("people")
        .withIndex("by_bag", (index) => index.eq("bag", bag))
        .filter((q) => q.gt(q.field("age"), 1))
        .filter((q) => q.lt(q.field("age"), 3))
        .collect()
    ).map(({ name }) => name),
});
