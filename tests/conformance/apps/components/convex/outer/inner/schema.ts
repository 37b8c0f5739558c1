import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

/** A table of the same name is in each component: they must not see one another's rows. */
export default defineSchema({
  things: defineTable({ bag: v.string(), text: v.string() }).index("by_bag", ["bag"]),
});
