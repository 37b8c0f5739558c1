import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({ cron_ticks: defineTable({ cron: v.string() }).index("by_cron", ["cron"]) });
