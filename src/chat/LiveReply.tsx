/** A reply whose stream is known: subscribes to it and reads it to screen readers. */
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { useReply } from "../streaming/useReply.ts";
import type { ListedReply, ReplyRow } from "./conversationRows.ts";
import { describeStatus } from "./describeStatus.ts";
import { ReplyMessage } from "./ReplyMessage.tsx";
import { useReplyAnnouncement } from "./useReplyAnnouncement.ts";
import type { VersionControl } from "./useVersions.ts";

interface LiveReplyProps {
  row: ReplyRow;
  reply: ListedReply;
  control: VersionControl | null;
}

export function LiveReply({ row, reply, control }: LiveReplyProps) {
  const { streamId, status, attempt, error, finishReason } = reply;
  const snapshot = useReply(streamId, { status, attempt }, row.beginsWith);
  const words = describeStatus(snapshot.status, {
    hasText: snapshot.text !== "",
    reader: snapshot.role,
    isCutOff: finishReason === "length",
  });
  const isOver = hasEnded(snapshot.status) && snapshot.feed === "none";
  const announcement = useReplyAnnouncement({
    text: snapshot.text,
    ending: isOver ? (words?.label ?? "Reply complete.") : null,
  });
  const { role: reader, text, textKnown } = snapshot;
  const shown = {
    streamId,
    status: snapshot.status,
    reader,
    text,
    textKnown,
    error: error ?? snapshot.error,
  };
  return (
    <>
      <ReplyMessage row={row} shown={shown} control={control} />
      <output className="sr-only">{announcement}</output>
    </>
  );
}
