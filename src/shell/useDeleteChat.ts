/** Deletes a chat and leaves its page if it is the one shown. */
import { useMutation } from "convex/react";
import { useCallback, useState } from "react";
import { useMatch, useNavigate } from "react-router";
import { api } from "../../convex/_generated/api.js";
import { describeError } from "../describeError.ts";
import { drafts } from "../sending/drafts.ts";
import type { ListedChat } from "./useChatList.ts";

export type Deletion = { status: "asking" } | { status: "deleting" } | { status: "failed"; message: string };

export function useDeleteChat(
  chatId: ListedChat["_id"],
  onDone: () => void,
): { state: Deletion; deleteChat: () => void } {
  const remove = useMutation(api.chats.deleteChat);
  const navigate = useNavigate();
  const isShown = useMatch(`/c/${chatId}`) !== null;
  const [state, setState] = useState<Deletion>({ status: "asking" });

  const deleteChat = useCallback(() => {
    setState({ status: "deleting" });
    // Left first, so that the page does not tell of a missing chat in the moment between.
    if (isShown) void navigate("/");
    remove({ chatId }).then(
      () => {
        drafts.write(chatId, "");
        onDone();
      },
      (error: unknown) => setState({ status: "failed", message: describeError(error) }),
    );
  }, [remove, navigate, isShown, chatId, onDone]);

  return { state, deleteChat };
}
