import { ConvexError, v } from "convex/values";
import { action, internalQuery, mutation, query } from "./_generated/server.js";

const every = {
  string: v.string(),
  number: v.number(),
  boolean: v.boolean(),
  int64: v.int64(),
  bytes: v.bytes(),
  null: v.null(),
  literal: v.literal("yes"),
  union: v.union(v.literal(1), v.literal("one")),
  array: v.array(v.number()),
  object: v.object({ inner: v.string() }),
  record: v.record(v.string(), v.number()),
  id: v.id("makers"),
  any: v.any(),
  optional: v.optional(v.string()),
};

/** Takes one argument of the named kind. */
const taking = (name: keyof typeof every) =>
  query({ args: { value: every[name] as any }, handler: async () => "accepted" });

export const string = taking("string");
export const number = taking("number");
export const boolean = taking("boolean");
export const int64 = taking("int64");
export const bytes = taking("bytes");
export const null_ = taking("null");
export const literal = taking("literal");
export const union = taking("union");
export const array = taking("array");
export const object = taking("object");
export const record = taking("record");
export const id = taking("id");
export const any = taking("any");
export const optional = taking("optional");

export const nothing = query({ args: {}, handler: async () => "accepted" });
export const undeclared = query(async (_ctx, args: any) => Object.keys(args));

export const returnsWrong = query({
  args: {},
  returns: v.object({ count: v.number() }),
  handler: async () => ({ count: "many" }) as any,
});
export const returnsExtra = action({
  args: {},
  returns: v.object({}),
  handler: async () => ({ extra: 1 }) as any,
});
export const returnsRight = query({ args: {}, returns: v.array(v.number()), handler: async () => [1, 2] });

export const insert = mutation({
  args: { table: v.string(), document: v.any() },
  handler: async (ctx, { table, document }) => await ctx.db.insert(table as never, document as never),
});

export const patch = mutation({
  args: { id: v.id("products"), changes: v.any() },
  handler: async (ctx, { id, changes }) => await ctx.db.patch(id, changes),
});

export const count = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("products").collect()).length,
});

/** So that the cases of a schema find the tables as they need them. */
export const clear = mutation({
  args: {},
  handler: async (ctx) => {
    for (const table of ["products", "makers", "events"] as const) {
      for (const { _id } of await ctx.db.query(table).collect()) await ctx.db.delete(_id);
    }
  },
});

export const secret = internalQuery({ args: {}, handler: async () => "for the deployment only" });

export const throws = query({
  args: { kind: v.string() },
  handler: async (_ctx, { kind }) => {
    if (kind === "error") throw new Error("plain trouble");
    if (kind === "type") return (undefined as any).field;
    if (kind === "string") throw "not an error";
    throw new ConvexError({ kind, limit: 3 });
  },
});
