/** Whether the last reply of a conversation is on its way, and how to stop it. */
import { useMutation } from "convex/react";
import { useCallback, useState } from "react";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { describeError } from "../describeError.ts";
import { drafts } from "../sending/drafts.ts";
import type { ConversationRow } from "./conversationRows.ts";
import type { ReplyControl } from "./SendOrStop.tsx";

export function useReplyControl(rows: readonly ConversationRow[], draftKey: string): ReplyControl {
  const stopReply = useMutation(api.messages.stop);
  const [stopping, setStopping] = useState<Id<"messages"> | null>(null);

  const stop = useCallback(
    (messageId: Id<"messages">) => {
      setStopping(messageId);
      stopReply({ messageId }).catch((error: unknown) => {
        setStopping(null);
        drafts.reportProblem(draftKey, `The reply could not be stopped. ${describeError(error)}`);
      });
    },
    [stopReply, draftKey],
  );

  const last = rows.at(-1);
  if (last?.kind !== "reply" || (last.reply !== null && hasEnded(last.reply.status)))
    return { status: "idle" };
  const { messageId } = last;
  if (messageId !== null && messageId === stopping) return { status: "stopping" };
  return { status: "replying", stop: messageId === null ? null : () => stop(messageId) };
}
