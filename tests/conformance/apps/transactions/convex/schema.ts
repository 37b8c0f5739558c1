import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  counters: defineTable({ bag: v.string(), value: v.number() }).index("by_bag", ["bag"]),
  stamped: defineTable({
    bag: v.string(),
    text: v.string(),
    at: v.commitTs(),
    nested: v.optional(v.any()),
  }).index("by_at", ["bag", "at"]),
  entries: defineTable({ bag: v.string(), text: v.string() }).index("by_bag", ["bag"]),
});
