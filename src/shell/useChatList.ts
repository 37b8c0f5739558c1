/** The chats of the sidebar. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { api } from "../../convex/_generated/api.js";

export type ListedChat = FunctionReturnType<typeof api.chats.listChats>[number];

export type ChatListState =
  | { status: "loading" }
  | { status: "empty" }
  | { status: "ready"; chats: ListedChat[] };

const SHOWN_CHATS = 200;

export function useChatList(): ChatListState {
  const chats = useQuery(api.chats.listChats, { limit: SHOWN_CHATS });
  if (chats === undefined) return { status: "loading" };
  return chats.length === 0 ? { status: "empty" } : { status: "ready", chats };
}
