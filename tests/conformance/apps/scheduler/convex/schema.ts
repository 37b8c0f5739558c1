import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  marks: defineTable({ bag: v.string(), text: v.string() }).index("by_bag", ["bag"]),
  ticks: defineTable({ cron: v.string(), args: v.any() }).index("by_cron", ["cron"]),
});
