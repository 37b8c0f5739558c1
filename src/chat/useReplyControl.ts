/**
 * Whether the last reply of a conversation is on its way, and how to stop it. The wish to stop belongs to one reply: it
 * waits until the server has that reply, and for the network; it ends with the reply, or when another one begins.
 */
import { useMutation } from "convex/react";
import { useCallback, useEffect, useState } from "react";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { describeError } from "../describeError.ts";
import { drafts } from "../sending/drafts.ts";
import type { ConversationRow } from "./conversationRows.ts";
import type { ReplyControl } from "./SendOrStop.tsx";

/** The server ends a reply within three seconds of the wish. One that goes on may be asked again. */
const ASK_AGAIN_AFTER_MS = 6_000;

export function useReplyControl(rows: readonly ConversationRow[], draftKey: string): ReplyControl {
  const [stoppingKey, setStoppingKey] = useState<string | null>(null);
  const live = liveReply(rows);
  const liveKey = live?.key ?? null;
  // The wish is over with its reply: another one must not be found stopping.
  if (stoppingKey !== null && stoppingKey !== liveKey) setStoppingKey(null);
  const isStopping = liveKey !== null && stoppingKey === liveKey;

  const giveUp = useCallback(() => setStoppingKey(null), []);
  useStopRequest(isStopping ? (live?.messageId ?? null) : null, draftKey, giveUp);

  if (liveKey === null) return { status: "idle" };
  if (isStopping) return { status: "stopping" };
  return { status: "replying", stop: () => setStoppingKey(liveKey) };
}

/** Asks the server to stop the reply, once; null while there is none to stop or the server does not have it yet. */
function useStopRequest(messageId: Id<"messages"> | null, draftKey: string, giveUp: () => void): void {
  const stopReply = useMutation(api.messages.stop);
  useEffect(() => {
    if (messageId === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    // Without a network the client keeps the request and settles it when there is one again.
    stopReply({ messageId }).then(
      () => {
        if (!isOver) timer = setTimeout(giveUp, ASK_AGAIN_AFTER_MS);
      },
      (error: unknown) => {
        if (isOver) return;
        giveUp();
        drafts.reportProblem(draftKey, `The reply could not be stopped. ${describeError(error)}`);
      },
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [messageId, draftKey, giveUp, stopReply]);
}

function liveReply(rows: readonly ConversationRow[]): (ConversationRow & { kind: "reply" }) | null {
  const last = rows.at(-1);
  if (last?.kind !== "reply") return null;
  return last.reply !== null && hasEnded(last.reply.status) ? null : last;
}
