/** What one chat page shows: the chat, the rows of the shown path, and whether there is such a chat at all. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { api } from "../../convex/_generated/api.js";
import { defaultListLength, maxListLength } from "../../convex/shared/messageList.ts";
import { drafts } from "../sending/drafts.ts";
import { ownTexts } from "../sending/ownTexts.ts";
import { pendingSends } from "../sending/pendingSends.ts";
import { chosenVersions } from "./chosenVersions.ts";
import {
  conversationRows,
  conversationTree,
  type ConversationRow,
  type ConversationTree,
} from "./conversationRows.ts";

type Chat = NonNullable<FunctionReturnType<typeof api.chats.getChat>>;

interface Shown {
  rows: ConversationRow[];
  /** All versions of everything, for choosing among them. */
  tree: ConversationTree;
}

export type Conversation =
  | ({ status: "new" } & Shown)
  | { status: "loading" }
  | { status: "notFound" }
  /** It was on this page a moment ago; an undo elsewhere brings it back. */
  | { status: "deleted" }
  | ({ status: "ready"; chat: Chat | null; earlier: EarlierMessages } & Shown);

/** Whether the chat has messages before the rows. */
export type EarlierMessages =
  | { status: "none" }
  | { status: "loading" }
  | { status: "some"; load: () => void }
  /** They are there, and the server lists no more than these at a time. */
  | { status: "tooMany"; shown: number };

/** As many are asked for more each time. */
const PAGE_LENGTH = defaultListLength;

/**
 * `chatId` null is the page of a new chat; `startedBy` is the request that this page sent to make it, whose message
 * stays on the screen while the page becomes the chat's.
 */
export function useConversation(chatId: string | null, startedBy: string | null): Conversation {
  const chat = useQuery(api.chats.getChat, chatId === null ? "skip" : { chatId });
  const [wasShown, setWasShown] = useState(false);
  if (chat && !wasShown) setWasShown(true);
  const { listed, earlier } = useListedMessages(chatId);
  const allPending = useSyncExternalStore(pendingSends.subscribe, pendingSends.getAll);
  const chosen = useSyncExternalStore(chosenVersions.subscribe, () => chosenVersions.of(chatId));

  const tree = useMemo(() => {
    const pending = allPending.filter((send) =>
      chatId === null ? send.request.clientRequestId === startedBy : send.chatId === chatId,
    );
    return conversationTree(listed ?? [], pending, ownTexts);
  }, [listed, allPending, chatId, startedBy]);
  const rows = useMemo(() => conversationRows(tree, chosen), [tree, chosen]);

  useEffect(() => {
    if (listed === undefined) return;
    const seen = new Set(listed.flatMap((message) => message.clientRequestId ?? []));
    pendingSends.remove(seen);
    drafts.dropReceived(seen);
  }, [listed]);

  if (chatId === null) return { status: "new", rows, tree };
  if (chat === null) return { status: wasShown ? "deleted" : "notFound" };
  if (chat !== undefined && listed !== undefined) return { status: "ready", chat, rows, tree, earlier };
  // A chat that this tab has just made is shown from what was sent, before the list has arrived.
  const isOwn =
    tree.length > 0 && allPending.some((send) => send.chatId === chatId && send.request.kind === "newChat");
  return isOwn ? { status: "ready", chat: chat ?? null, rows, tree, earlier } : { status: "loading" };
}

/** While more are on their way, those that were listed stay. */
function useListedMessages(chatId: string | null) {
  const [limit, setLimit] = useState(PAGE_LENGTH);
  const args = limit === PAGE_LENGTH ? {} : { limit };
  const answer = useQuery(api.messages.list, chatId === null ? "skip" : { chatId, ...args });
  const [kept, setKept] = useState(answer);
  if (answer !== undefined && answer !== kept) setKept(answer);
  const listed = answer ?? kept;
  const loadMore = useCallback(() => setLimit((known) => known + PAGE_LENGTH), []);

  const earlier = useMemo((): EarlierMessages => {
    if (listed === undefined) return { status: "none" };
    if (answer === undefined) return { status: "loading" };
    if (answer.length < Math.min(limit, maxListLength)) return { status: "none" };
    return limit < maxListLength ? { status: "some", load: loadMore } : { status: "tooMany", shown: limit };
  }, [listed, answer, limit, loadMore]);
  return { listed, earlier };
}
