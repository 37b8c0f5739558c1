/** One deletion: what became of it, and the way back while there is one. */
import { IconButton } from "../ui/IconButton.tsx";
import { chatDeletions, type ChatDeletion } from "./chatDeletions.ts";
import { useLetGoInTime } from "./useLetGoInTime.ts";

interface DeletionToastProps {
  deletion: ChatDeletion;
  onUndo: () => void;
  onRetry: () => void;
}

const words: Record<ChatDeletion["status"], string> = {
  deleting: "Deleting…",
  deleted: "Chat deleted",
  restoring: "Bringing it back…",
  deleteFailed: "Not deleted",
  restoreFailed: "Not brought back",
};

const actionClass =
  "h-8 shrink-0 rounded-lg px-2.5 text-sm font-medium text-primary hover:bg-muted disabled:opacity-60";

export function DeletionToast({ deletion, onUndo, onRetry }: DeletionToastProps) {
  const { chatId, title, status, problem } = deletion;
  const holdOpen = useLetGoInTime(chatId, status === "deleted");
  return (
    <li
      data-testid="deletion-toast"
      className="pointer-events-auto rounded-xl border border-border bg-card py-1.5 pr-1.5 pl-3.5 text-sm shadow-lg"
      {...holdOpen}
    >
      <div className="flex items-center gap-1.5">
        <p className="min-w-0 flex-1 py-1">
          <span className="block font-medium">{words[status]}</span>
          <span dir="auto" className="block truncate text-muted-foreground">
            {title}
          </span>
        </p>
        {problem === null && (
          <button
            type="button"
            aria-label={`Undo: bring back “${title}”`}
            disabled={status === "restoring"}
            onClick={onUndo}
            className={actionClass}
          >
            Undo
          </button>
        )}
        {problem?.mayRetry === true && (
          <button type="button" onClick={onRetry} className={actionClass}>
            Try again
          </button>
        )}
        {status !== "deleting" && status !== "restoring" && (
          <IconButton icon="close" label="Dismiss" size="small" onClick={() => chatDeletions.letGo(chatId)} />
        )}
      </div>
      {problem !== null && (
        <p role="alert" className="wrap-anywhere pt-0.5 pr-2 pb-1.5 text-destructive">
          {problem.message}
        </p>
      )}
    </li>
  );
}
