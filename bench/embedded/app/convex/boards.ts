/** A second file, as every app has one: what both import, Convex's package, becomes a module of its own. */
import { queryGeneric as query } from "convex/server";
import { v } from "convex/values";

export const isEmpty = query({
  args: { board: v.string() },
  returns: v.boolean(),
  handler: async (ctx, { board }) => {
    const note = await ctx.db
      .query("notes")
      .withIndex("by_board", (q) => q.eq("board", board))
      .first();
    return note === null;
  },
});
