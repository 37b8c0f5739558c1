import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** One document of each kind of value; `bag` tells the cases apart. */
  values: defineTable({ bag: v.string(), name: v.string(), value: v.optional(v.any()) })
    .index("by_bag", ["bag"])
    .index("by_value", ["bag", "value"]),
  people: defineTable({
    bag: v.string(),
    name: v.string(),
    age: v.optional(v.number()),
    address: v.optional(v.object({ city: v.string(), zip: v.optional(v.string()) })),
  })
    .index("by_bag", ["bag"])
    .index("by_age", ["bag", "age"])
    .index("by_age_and_name", ["bag", "age", "name"])
    .index("by_city", ["bag", "address.city"]),
  others: defineTable({ bag: v.string() }),
});
