import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({ sheets: defineTable({ text: v.string() }) });
