/** Sends from one page, and takes the page to its chat's address when the message made one. */
import { useConvex } from "convex/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { drafts, NEW_CHAT_DRAFT } from "../sending/drafts.ts";
import { sendMessage } from "../sending/sendMessage.ts";
import type { HandedOver } from "./handedOver.ts";

export interface PageSender {
  /** The request that started this page's chat, if it was sent from here. */
  startedBy: string | null;
  send: (text: string, model: string | null) => void;
}

export function useSend(chatId: string | null, pageKey: string): PageSender {
  const convex = useConvex();
  const navigate = useNavigate();
  const [startedBy, setStartedBy] = useState<string | null>(null);
  const isShown = useRef(false);

  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);

  const send = useCallback(
    (text: string, model: string | null) => {
      const { clientRequestId, result } = sendMessage(convex, { chatId, text, model });
      if (chatId !== null) return;
      setStartedBy(clientRequestId);
      void result.then((outcome) => {
        if (outcome.kind === "failed") {
          setStartedBy(null);
          return;
        }
        const state: HandedOver = { pageKey };
        // A person who has gone elsewhere meanwhile stays there; the chat is in the list.
        if (!isShown.current) return;
        drafts.move(NEW_CHAT_DRAFT, outcome.ids.chatId);
        void navigate(`/c/${outcome.ids.chatId}`, { replace: true, state });
      });
    },
    [convex, navigate, chatId, pageKey],
  );

  return { startedBy, send };
}
