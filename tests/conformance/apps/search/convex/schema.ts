import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  articles: defineTable({ bag: v.string(), body: v.string(), rank: v.number() }).searchIndex("by_body", {
    searchField: "body",
    filterFields: ["bag", "rank"],
  }),
});
