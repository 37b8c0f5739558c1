/** Sends from one page, and takes the page to its chat's address when the message made one. */
import { useConvex } from "convex/react";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { useNavigate } from "react-router";
import { drafts, NEW_CHAT_DRAFT } from "../sending/drafts.ts";
import { pendingSends } from "../sending/pendingSends.ts";
import { sendTurn } from "../sending/sendTurn.ts";
import type { HandedOver } from "./handedOver.ts";

export interface PageSender {
  /** The request that makes this page's chat, also if it was sent before the page was reloaded. */
  startedBy: string | null;
  send: (text: string, message: MessageToSend) => void;
}

interface MessageToSend {
  /** Null leaves the choice to the server. */
  model: string | null;
  /** The reply that the message answers; null for the first message of a chat. */
  parentId: string | null;
  /** Of a message that was held back. */
  clientRequestId?: string | undefined;
}

export function useSend(chatId: string | null, pageKey: string): PageSender {
  const convex = useConvex();
  const navigate = useNavigate();
  const started = useSyncExternalStore(pendingSends.subscribe, () => pendingSends.startedOn(pageKey));
  const madeChatId = started?.turn?.chatId ?? null;

  // A person who has gone elsewhere meanwhile stays there; the chat is in the list.
  useEffect(() => {
    if (chatId !== null || madeChatId === null) return;
    const state: HandedOver = { pageKey };
    drafts.move(NEW_CHAT_DRAFT, madeChatId);
    void navigate(`/c/${madeChatId}`, { replace: true, state });
  }, [navigate, chatId, madeChatId, pageKey]);

  const send = useCallback(
    (text: string, message: MessageToSend) => {
      const model = message.model ?? undefined;
      const parentId = message.parentId ?? undefined;
      const { clientRequestId } = message;
      if (chatId === null) sendTurn(convex, { kind: "newChat", prompt: text, model }, { chatId, pageKey });
      else sendTurn(convex, { kind: "message", chatId, text, parentId, model }, { chatId, clientRequestId });
    },
    [convex, chatId, pageKey],
  );

  return { startedBy: started?.request.clientRequestId ?? null, send };
}
