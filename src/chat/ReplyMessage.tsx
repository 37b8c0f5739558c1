/** One turn of the assistant, from the empty placeholder to the finished text. */
import { Suspense, type ReactNode } from "react";
import { hasEnded, type RunStatus } from "../../convex/shared/streamEvents.ts";
import { AssistantMarkdown } from "../markdown/AssistantMarkdown.tsx";
import type { ReplyReader } from "../streaming/replyState.ts";
import type { ListedReply, ReplyRow } from "./conversationRows.ts";
import { ReplyFooter } from "./ReplyFooter.tsx";
import { ReplySkeleton } from "./ReplySkeleton.tsx";
import type { VersionControl } from "./useVersions.ts";

export interface ShownReply {
  streamId: string | null;
  status: RunStatus;
  reader: ReplyReader;
  text: string;
  /** False while it is not known whether there is text: then the place is kept by a skeleton. */
  textKnown: boolean;
  /** The last that is known of its model is a thought. */
  thinksAloud: boolean;
  error: ListedReply["error"];
}

interface ReplyMessageProps {
  row: ReplyRow;
  shown: ShownReply;
  control: VersionControl | null;
  /** What stands above the text: the way to the model's thoughts, if it had any. */
  reasoning?: ReactNode;
}

export function ReplyMessage({ row, shown, control, reasoning }: ReplyMessageProps) {
  const { streamId, status, reader, text, textKnown } = shown;
  const ended = hasEnded(status);
  return (
    <article
      data-testid="message"
      data-role="assistant"
      data-status={status}
      data-stream-id={streamId ?? undefined}
      data-driver={reader !== "spectator"}
      aria-label="Assistant"
      aria-busy={!ended}
      className="min-h-18"
    >
      {reasoning}
      {ended && !textKnown ? (
        <ReplySkeleton />
      ) : (
        <Suspense fallback={<ReplySkeleton />}>
          <div
            data-testid="message-text"
            dir="auto"
            className="reply-text"
            data-writing={!ended && text !== ""}
          >
            {text !== "" && <AssistantMarkdown text={text} isWriting={!ended} />}
          </div>
        </Suspense>
      )}
      <ReplyFooter row={row} shown={shown} control={control} />
    </article>
  );
}
