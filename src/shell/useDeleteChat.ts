/** Deletes a chat from the list, leaves its page if it is the one shown, and keeps the focus where it is of use. */
import { useConvex } from "convex/react";
import { useCallback, type MouseEvent } from "react";
import { useLocation, useNavigate } from "react-router";
import { focusComposer } from "../ui/composerFocus.ts";
import { chatDeletions } from "./chatDeletions.ts";
import type { ListedChat } from "./useChatList.ts";

export function useDeleteChat(): (chat: ListedChat, event: MouseEvent<HTMLElement>) => void {
  const convex = useConvex();
  const navigate = useNavigate();
  const { pathname } = useLocation();

  return useCallback(
    ({ _id: chatId, title }: ListedChat, event: MouseEvent<HTMLElement>) => {
      const wasOpen = pathname === `/c/${chatId}`;
      moveFocus(event);
      // Left first, so that the page does not tell of a missing chat in the moment between.
      if (wasOpen) void navigate("/");
      chatDeletions.delete(convex, { chatId, title, wasOpen });
    },
    [convex, navigate, pathname],
  );
}

/** The button goes with its chat: the keyboard goes on with the next chat, a pointer leaves the focus to the composer. */
function moveFocus({ detail, currentTarget }: MouseEvent<HTMLElement>): void {
  const list = currentTarget.closest("nav");
  const isByKeyboard = detail === 0;
  const buttons = [...(list?.querySelectorAll<HTMLElement>("[data-testid=delete-chat]") ?? [])];
  const place = buttons.indexOf(currentTarget);
  const neighbour = buttons[place + 1] ?? buttons[place - 1] ?? list;
  // Behind an open drawer the composer is inert, and the drawer keeps the focus.
  (isByKeyboard ? neighbour : list)?.focus();
  if (!isByKeyboard) focusComposer();
}
