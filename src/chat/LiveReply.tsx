/** A reply whose stream is known: subscribes to it and reads it to screen readers. */
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { endState } from "../streaming/replyState.ts";
import { useReply } from "../streaming/useReply.ts";
import type { ListedReply, ReplyRow } from "./conversationRows.ts";
import { describeStatus } from "./describeStatus.ts";
import { ReplyReasoning } from "./ReplyReasoning.tsx";
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
  const hasText = snapshot.text !== "";
  const end = snapshot.feed === "none" ? endState(snapshot.status) : null;
  const words = end === null ? null : describeStatus(end, { hasText, isCutOff: finishReason === "length" });
  const announcement = useReplyAnnouncement({
    text: snapshot.text,
    ending: end === null ? null : (words?.label ?? "Reply complete."),
  });
  const hasReasoning = reply.hasReasoning === true || snapshot.reasoning !== null;
  const { role: reader, text, textKnown } = snapshot;
  const isBeforeFirstWord = !hasEnded(snapshot.status) && textKnown && !hasText;
  // Others than the driver know of thoughts before the first word; between words nobody tells them.
  const thinksAloud = snapshot.isThinking || (hasReasoning && isBeforeFirstWord);
  const shown = {
    streamId,
    status: snapshot.status,
    reader,
    text,
    textKnown,
    thinksAloud,
    error: error ?? snapshot.error,
  };
  return (
    <>
      <ReplyMessage
        row={row}
        shown={shown}
        control={control}
        reasoning={
          hasReasoning && (
            <ReplyReasoning
              streamId={streamId}
              isThinking={thinksAloud}
              isDriver={reader === "driver"}
              live={snapshot.reasoning}
            />
          )
        }
      />
      <output className="sr-only">{announcement}</output>
    </>
  );
}
