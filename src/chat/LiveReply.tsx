/** A reply whose stream is known: subscribes to it and reads it to screen readers. */
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { useReply } from "../streaming/useReply.ts";
import type { ListedReply } from "./conversationRows.ts";
import { describeStatus } from "./describeStatus.ts";
import { ReplyMessage } from "./ReplyMessage.tsx";
import { useReplyAnnouncement } from "./useReplyAnnouncement.ts";

export function LiveReply({ reply }: { reply: ListedReply }) {
  const { streamId, status, attempt, error, model } = reply;
  const snapshot = useReply(streamId, { status, attempt });
  const words = describeStatus(snapshot.status, {
    hasText: snapshot.text !== "",
    reader: snapshot.role,
  });
  const isOver = hasEnded(snapshot.status) && snapshot.feed === "none";
  const announcement = useReplyAnnouncement({
    text: snapshot.text,
    ending: isOver ? (words?.label ?? "Reply complete.") : null,
  });
  return (
    <>
      <ReplyMessage
        streamId={streamId}
        status={snapshot.status}
        reader={snapshot.role}
        text={snapshot.text}
        textKnown={snapshot.textKnown}
        error={error ?? snapshot.error}
        model={model}
      />
      <output className="sr-only">{announcement}</output>
    </>
  );
}
