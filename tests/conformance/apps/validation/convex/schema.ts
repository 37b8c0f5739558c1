import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  products: defineTable({
    name: v.string(),
    price: v.number(),
    kind: v.union(v.literal("book"), v.literal("toy")),
    tags: v.optional(v.array(v.string())),
    maker: v.optional(v.id("makers")),
  }),
  makers: defineTable({ name: v.string() }),
  /** A union of objects: each document is one of them. */
  events: defineTable(
    v.union(
      v.object({ type: v.literal("sale"), amount: v.number() }),
      v.object({ type: v.literal("note"), text: v.string() }),
    ),
  ),
});
