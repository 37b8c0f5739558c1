/** Who is asking and what they may see. Every public function starts here. */
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";

export interface User {
  userId: string;
}

/** Until there are accounts, everybody who reaches the deployment is this one person. */
const LOCAL_USER: User = { userId: "local" };

/** The signed-in user; throws `notSignedIn` where there is none. */
export async function requireUser(_ctx: QueryCtx | MutationCtx): Promise<User> {
  return LOCAL_USER;
}

/**
 * The chat's id if it exists and the user may read it, else null. Takes any string, also one from an address
 * bar.
 */
export async function readableChat(ctx: QueryCtx | MutationCtx, chatId: string): Promise<Id<"chats"> | null> {
  const user = await requireUser(ctx);
  const id = ctx.db.normalizeId("chats", chatId);
  if (id === null) {
    return null;
  }
  const access = await ctx.db
    .query("chatAccess")
    .withIndex("by_chat", (q) => q.eq("chatId", id))
    .unique();
  return access?.ownerId === user.userId ? id : null;
}

/**
 * As `readableChat`, for those who write; throws `notFound`, which does not tell a stranger that the chat
 * exists.
 */
export async function requireChat(ctx: MutationCtx, chatId: string): Promise<Id<"chats">> {
  const id = await readableChat(ctx, chatId);
  if (id === null) {
    throw appError({ kind: "notFound", message: "There is no such chat." });
  }
  return id;
}
