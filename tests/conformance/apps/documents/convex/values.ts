import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

export const put = mutation({
  args: { bag: v.string(), name: v.string(), value: v.optional(v.any()) },
  handler: async (ctx, document) => await ctx.db.insert("values", document),
});

/** In the order of the index over the values. */
export const inOrder = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (
      await ctx.db
        .query("values")
        .withIndex("by_value", (index) => index.eq("bag", bag))
        .collect()
    ).map(({ name }) => name),
});

export const all = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    await ctx.db
      .query("values")
      .withIndex("by_bag", (index) => index.eq("bag", bag))
      .collect(),
});

export const echo = query({ args: { value: v.any() }, handler: async (_ctx, { value }) => value });

/** What JavaScript sees of the value that came in. */
export const describe = query({
  args: { value: v.any() },
  handler: async (_ctx, { value }) => ({
    type: typeof value,
    tag: Object.prototype.toString.call(value),
    isPlain: value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype,
    isArray: Array.isArray(value),
    isBuffer: value instanceof ArrayBuffer,
  }),
});

/** Values that JavaScript makes and Convex does not store. */
export const returnUnsupported = query({
  args: { kind: v.string() },
  handler: async (_ctx, { kind }) => {
    const values: Record<string, unknown> = {
      date: new Date(0),
      map: new Map(),
      set: new Set(),
      function: () => 1,
      symbol: Symbol("s"),
      class: new (class Point {
        x = 1;
      })(),
      hugeBigint: 2n ** 63n,
      nested: { list: [{ when: new Date(0) }] },
      dollarField: { $price: 1 },
      undefinedInArray: [undefined],
    };
    return values[kind] as never;
  },
});

export const undefinedFields = query({
  args: {},
  handler: async () => ({ here: 1, gone: undefined }),
});
