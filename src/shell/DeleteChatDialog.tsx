/** Asks before a chat is deleted for good. */
import { useCallback, useLayoutEffect, useRef, type SyntheticEvent } from "react";
import { focusComposer } from "../ui/composerFocus.ts";
import { useDeleteChat } from "./useDeleteChat.ts";
import type { ListedChat } from "./useChatList.ts";

export function DeleteChatDialog({ chat, onClose }: { chat: ListedChat; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const hasDeleted = useRef(false);
  const onDeleted = useCallback(() => {
    hasDeleted.current = true;
    onClose();
  }, [onClose]);
  const { state, deleteChat } = useDeleteChat(chat._id, onDeleted);

  // A layout effect, for it ends while the element is still in the page: closing then returns the focus to the opener.
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
      if (!hasDeleted.current) return;
      // The opener goes with its chat. Behind an open drawer the composer is inert, and the drawer takes the focus.
      element?.closest("nav")?.focus();
      focusComposer();
    };
  }, []);

  const onCancel = (event: SyntheticEvent) => {
    event.preventDefault();
    onClose();
  };

  return (
    <dialog ref={dialog} onCancel={onCancel} aria-labelledby="delete-title" className="dialog">
      <h2 id="delete-title" className="text-lg font-semibold">
        Delete this chat?
      </h2>
      <p className="mt-2 wrap-anywhere text-muted-foreground">
        “{chat.title}” and all its replies will be gone for good
        {chat.status === "replying" ? ", and the reply being written stops." : "."}
      </p>
      {state.status === "failed" && (
        <p role="alert" className="mt-3 text-sm text-destructive">
          {state.message}
        </p>
      )}
      <div className="mt-6 flex justify-end gap-2">
        <button
          type="button"
          onClick={onClose}
          className="h-9 rounded-lg px-4 text-sm font-medium hover:bg-muted"
        >
          Keep
        </button>
        <button
          type="button"
          data-testid="confirm-delete"
          disabled={state.status === "deleting"}
          onClick={deleteChat}
          className="h-9 rounded-lg bg-destructive px-4 text-sm font-medium text-destructive-foreground hover:opacity-90 disabled:opacity-60"
        >
          {state.status === "deleting" ? "Deleting…" : "Delete"}
        </button>
      </div>
    </dialog>
  );
}
