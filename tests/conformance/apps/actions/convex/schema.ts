import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({ act_notes: defineTable({ bag: v.string(), text: v.string() }) });
