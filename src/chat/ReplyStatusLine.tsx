/** The line under a reply that says what is happening to it, or how it ended, with what can be done about that. */
import type { ReactNode } from "react";
import type { ReplyState } from "../streaming/replyState.ts";
import { Icon } from "../ui/Icon.tsx";
import type { ListedReply } from "./conversationRows.ts";
import { replyErrorRemedy } from "./describeReplyError.ts";
import { describeStatus } from "./describeStatus.ts";

interface ReplyStatusLineProps {
  state: ReplyState;
  hasText: boolean;
  error: ListedReply["error"];
  isCutOff: boolean;
  /** The buttons of what can be done. */
  children: ReactNode;
}

export function ReplyStatusLine({ state, hasText, error, isCutOff, children }: ReplyStatusLineProps) {
  const words = describeStatus(state, { hasText, isCutOff });
  if (words === null) return null;
  const buttons = <div className="flex flex-wrap gap-2 empty:hidden">{children}</div>;
  if (words.tone === "error") {
    return (
      <div
        data-testid="reply-state"
        data-state={state}
        className="flex items-start gap-2.5 rounded-xl border border-destructive/30 bg-destructive/8 px-3.5 py-2.5 text-sm"
      >
        <span className="mt-0.5 text-destructive">
          <Icon name="warning" size={16} />
        </span>
        <div className="min-w-0 flex-1 space-y-2.5">
          <p className="wrap-anywhere">
            {error?.message ?? "The reply failed."}{" "}
            <span className="text-muted-foreground">{replyErrorRemedy(error?.kind ?? "unknown")}</span>
          </p>
          {buttons}
        </div>
      </div>
    );
  }
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-1.5">
      <p
        data-testid="reply-state"
        data-state={state}
        className={`flex items-center gap-2 text-sm ${words.tone === "warning" ? "text-warning" : "text-muted-foreground"}`}
      >
        {words.tone === "working" && (
          <span aria-hidden="true" className={hasText ? "live-dot" : "live-dot live-dot-waiting"} />
        )}
        {words.label}
      </p>
      {buttons}
    </div>
  );
}
