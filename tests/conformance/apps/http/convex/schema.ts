import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  http_notes: defineTable({ bag: v.string(), text: v.string() }).index("by_bag", ["bag"]),
});
