import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** Written and read by every measurement, each on boards of its own. */
  notes: defineTable({ board: v.string(), text: v.string() }).index("by_board", ["board"]),
});
