/** What the measurements call: one small read, one small write, and one that never ends. */
import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";

const boardSize = 10;

export const list = query({
  args: { board: v.string() },
  returns: v.array(v.string()),
  handler: async (ctx, { board }) => {
    const notes = await ctx.db
      .query("notes")
      .withIndex("by_board", (q) => q.eq("board", board))
      .order("desc")
      .take(boardSize);
    return notes.map(({ text }) => String(text));
  },
});

export const add = mutation({
  args: { board: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, { board, text }) => {
    await ctx.db.insert("notes", { board, text });
    return null;
  },
});

export const runAway = mutation({
  args: {},
  returns: v.null(),
  handler: async () => {
    for (;;);
  },
});
