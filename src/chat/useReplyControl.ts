/**
 * Whether the last reply of a conversation is on its way, and how to stop it. The wish to stop belongs to one reply: it
 * waits for the network; it ends with the reply, or when another one begins. Of a reply that the server does not have
 * yet, whoever sends its request stops it too, for this page may be left before.
 */
import { useMutation } from "convex/react";
import { useCallback, useEffect, useState } from "react";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { describeStopFailure } from "../describeError.ts";
import { drafts } from "../sending/drafts.ts";
import { stopWhenSent } from "../sending/sendTurn.ts";
import type { ConversationRow } from "./conversationRows.ts";
import type { ReplyControl } from "./SendOrStop.tsx";

/** The server ends a reply within three seconds of the wish. One that goes on may be asked again. */
const ASK_AGAIN_AFTER_MS = 6_000;

export function useReplyControl(rows: readonly ConversationRow[], draftKey: string): ReplyControl {
  const [stopping, setStopping] = useState<Stopping | null>(null);
  const live = liveReply(rows);
  const liveKey = live?.key ?? null;
  // The wish is over with its reply: another one must not be found stopping.
  if (stopping !== null && stopping.key !== liveKey) setStopping(null);
  const isStopping = stopping !== null && stopping.key === liveKey;

  const giveUp = useCallback(() => setStopping(null), []);
  const messageId = live?.messageId ?? null;
  useStopRequest(isStopping ? messageId : null, { by: stopping?.by ?? "page", draftKey, giveUp });

  if (live === null) return { status: "idle" };
  if (isStopping) return { status: "stopping" };
  const { key, clientRequestId } = live;
  const stop = () => {
    const isSending = messageId === null && clientRequestId !== null;
    if (isSending) stopWhenSent(clientRequestId);
    setStopping({ key, by: isSending ? "sender" : "page" });
  };
  return { status: "replying", stop };
}

/** Which reply is to be stopped, and who asks the server for it. */
interface Stopping {
  key: string;
  by: "page" | "sender";
}

interface StopRequest {
  by: Stopping["by"];
  draftKey: string;
  giveUp: () => void;
}

/** Asks the server to stop the reply, once; null while there is none to stop or the server does not have it yet. */
function useStopRequest(messageId: Id<"messages"> | null, { by, draftKey, giveUp }: StopRequest): void {
  const stopReply = useMutation(api.messages.stop);
  useEffect(() => {
    if (messageId === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    // Without a network the client keeps the request and settles it when there is one again.
    const asked = by === "page" ? stopReply({ messageId }) : Promise.resolve();
    asked.then(
      () => {
        if (!isOver) timer = setTimeout(giveUp, ASK_AGAIN_AFTER_MS);
      },
      (error: unknown) => {
        if (isOver) return;
        giveUp();
        drafts.reportProblem(draftKey, describeStopFailure(error));
      },
    );
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [messageId, by, draftKey, giveUp, stopReply]);
}

function liveReply(rows: readonly ConversationRow[]): (ConversationRow & { kind: "reply" }) | null {
  const last = rows.at(-1);
  if (last?.kind !== "reply") return null;
  return last.reply !== null && hasEnded(last.reply.status) ? null : last;
}
