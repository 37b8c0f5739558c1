import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  pages: defineTable({ bag: v.string(), rank: v.number(), color: v.string() }).index("by_rank", [
    "bag",
    "rank",
  ]),
});
