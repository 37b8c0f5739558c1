/** What one chat page shows: the chat, its rows, and whether there is such a chat at all. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { api } from "../../convex/_generated/api.js";
import { ownTexts } from "../sending/ownTexts.ts";
import { pendingSends } from "../sending/pendingSends.ts";
import { conversationRows, type ConversationRow } from "./conversationRows.ts";

type Chat = NonNullable<FunctionReturnType<typeof api.chats.getChat>>;

export type Conversation =
  | { status: "new"; rows: ConversationRow[] }
  | { status: "loading" }
  | { status: "notFound" }
  /** It was on this page a moment ago; an undo elsewhere brings it back. */
  | { status: "deleted" }
  | { status: "ready"; chat: Chat | null; rows: ConversationRow[] };

/**
 * `chatId` null is the page of a new chat; `startedBy` is the request that this page sent to make it, whose message
 * stays on the screen while the page becomes the chat's.
 */
export function useConversation(chatId: string | null, startedBy: string | null): Conversation {
  const chat = useQuery(api.chats.getChat, chatId === null ? "skip" : { chatId });
  const [wasShown, setWasShown] = useState(false);
  if (chat && !wasShown) setWasShown(true);
  const listed = useQuery(api.messages.list, chatId === null ? "skip" : { chatId });
  const allPending = useSyncExternalStore(pendingSends.subscribe, pendingSends.getAll);

  const rows = useMemo(() => {
    const pending = allPending.filter((send) =>
      chatId === null ? send.request.clientRequestId === startedBy : send.chatId === chatId,
    );
    return conversationRows(listed ?? [], pending, ownTexts);
  }, [listed, allPending, chatId, startedBy]);

  useEffect(() => {
    if (listed === undefined) return;
    const seen = listed.flatMap((message) => message.clientRequestId ?? []);
    pendingSends.remove(new Set(seen));
  }, [listed]);

  if (chatId === null) return { status: "new", rows };
  if (chat === null) return { status: wasShown ? "deleted" : "notFound" };
  if (chat !== undefined && listed !== undefined) return { status: "ready", chat, rows };
  // A chat that this tab has just made is shown from what was sent, before the list has arrived.
  return rows.length > 0 ? { status: "ready", chat: chat ?? null, rows } : { status: "loading" };
}
