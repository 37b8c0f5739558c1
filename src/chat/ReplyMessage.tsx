/** One turn of the assistant, from the empty placeholder to the finished text. */
import { Suspense } from "react";
import { hasEnded, type RunStatus } from "../../convex/shared/streamEvents.ts";
import { AssistantMarkdown } from "../markdown/AssistantMarkdown.tsx";
import { CopyButton } from "./CopyButton.tsx";
import type { ListedReply } from "./conversationRows.ts";
import type { ReplyReader } from "./describeStatus.ts";
import { ModelName } from "./ModelName.tsx";
import { ReplySkeleton } from "./ReplySkeleton.tsx";
import { ReplyStatusLine } from "./ReplyStatusLine.tsx";

interface ReplyMessageProps {
  streamId: string | null;
  status: RunStatus;
  reader: ReplyReader;
  text: string;
  /** False while it is not known whether there is text: then the place is kept by a skeleton. */
  textKnown: boolean;
  error: ListedReply["error"];
  model: string;
}

export function ReplyMessage({ streamId, status, reader, text, textKnown, error, model }: ReplyMessageProps) {
  const ended = hasEnded(status);
  const isLoading = ended && !textKnown;
  return (
    <article
      data-testid="message"
      data-role="assistant"
      data-status={status}
      data-stream-id={streamId ?? undefined}
      data-driver={reader !== "spectator"}
      aria-label="Assistant"
      aria-busy={!ended}
      className="group/reply min-h-18"
    >
      {isLoading ? (
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
      <footer className="mt-2 flex min-h-8 flex-wrap items-center gap-x-2 gap-y-1">
        {ended && text !== "" && <CopyButton text={text} />}
        <ReplyStatusLine status={status} hasText={text !== "" || isLoading} reader={reader} error={error} />
        <ModelName modelId={model} />
      </footer>
    </article>
  );
}
