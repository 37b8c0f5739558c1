/** The deletions that may be taken back, newest at the bottom, and the words that a screen reader hears of them. */
import { useConvex } from "convex/react";
import { useState, useSyncExternalStore } from "react";
import { useNavigate } from "react-router";
import { focusComposer } from "../ui/composerFocus.ts";
import { chatDeletions, type ChatDeletion } from "./chatDeletions.ts";
import { DeletionToast } from "./DeletionToast.tsx";

export function DeletionToasts() {
  const convex = useConvex();
  const navigate = useNavigate();
  const deletions = useSyncExternalStore(chatDeletions.subscribe, chatDeletions.getAll);
  const [restoredTitle, setRestoredTitle] = useState<string | null>(null);
  const newest = deletions.at(-1);

  const undo = ({ chatId, title, wasOpen }: ChatDeletion) => {
    // The button that had the focus goes.
    focusComposer();
    void chatDeletions.restore(convex, chatId).then(() => {
      if (chatDeletions.getAll().some((deletion) => deletion.chatId === chatId)) return;
      setRestoredTitle(title);
      // A person who has gone elsewhere meanwhile stays there.
      if (wasOpen && location.pathname === "/") void navigate(`/c/${chatId}`);
    });
  };
  const retry = (deletion: ChatDeletion) => {
    if (deletion.status === "restoreFailed") undo(deletion);
    else chatDeletions.delete(convex, deletion);
  };

  return (
    <section aria-label="Deleted chats" className="toasts">
      <output className="sr-only">
        {newest?.status === "deleted" &&
          `“${newest.title}” was deleted. For some seconds, Undo in “Deleted chats” brings it back.`}
        {newest === undefined && restoredTitle !== null && `“${restoredTitle}” is back.`}
      </output>
      <ul className="contents">
        {deletions.map((deletion) => (
          <DeletionToast
            key={deletion.chatId}
            deletion={deletion}
            onUndo={() => undo(deletion)}
            onRetry={() => retry(deletion)}
          />
        ))}
      </ul>
    </section>
  );
}
