import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  messages: defineTable({ room: v.string(), text: v.string(), rank: v.number() }).index("by_room", [
    "room",
    "rank",
  ]),
});
