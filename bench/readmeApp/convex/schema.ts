import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  /** Written by createChat; read by nobody, as a reply is found by its stream id. */
  chats: defineTable({ prompt: v.string(), stream: v.string() }),
});
