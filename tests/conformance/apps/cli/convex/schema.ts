import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  cli_notes: defineTable({ bag: v.string(), text: v.string(), value: v.optional(v.any()) }).index("by_bag", [
    "bag",
  ]),
  cli_empty: defineTable({}),
});
