/** The chats of the sidebar. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useSyncExternalStore } from "react";
import { api } from "../../convex/_generated/api.js";
import { chatDeletions } from "./chatDeletions.ts";

export type ListedChat = FunctionReturnType<typeof api.chats.listChats>[number];

export type ChatListState =
  | { status: "loading" }
  | { status: "empty" }
  | { status: "ready"; chats: ListedChat[] };

const SHOWN_CHATS = 200;

/** A chat that this tab deletes leaves the list at once, and is in it again if that fails. */
export function useChatList(): ChatListState {
  const listed = useQuery(api.chats.listChats, { limit: SHOWN_CHATS });
  const deletions = useSyncExternalStore(chatDeletions.subscribe, chatDeletions.getAll);
  if (listed === undefined) return { status: "loading" };
  const leaving = new Set(
    deletions.flatMap(({ chatId, status }) => (status === "deleting" || status === "deleted" ? chatId : [])),
  );
  const chats = listed.filter((chat) => !leaving.has(chat._id));
  return chats.length === 0 ? { status: "empty" } : { status: "ready", chats };
}
