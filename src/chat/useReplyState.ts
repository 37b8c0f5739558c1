/** The state of a reply with what only time tells: no state is shown that would pass in a moment. */
import { useConvex } from "convex/react";
import { useCallback, useSyncExternalStore } from "react";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { replyState, type ReplyFacts, type ReplyState } from "../streaming/replyState.ts";
import { useIsOverdue } from "../useIsOverdue.ts";

/** A reply that a tab is about to drive stands in the queue for less. */
const QUEUED_LONG_MS = 1_000;
/** Models begin sooner, unless they think first. */
const SILENT_MS = 2_500;
const DISCONNECTED_MS = 1_000;

export interface KnownFacts extends Pick<ReplyFacts, "status" | "reader" | "hasText" | "waitsForPlace"> {
  /** A thought was heard, or read of, and no word after it. */
  thinksAloud: boolean;
}

export function useReplyState({ thinksAloud, ...known }: KnownFacts): ReplyState {
  const { status, hasText } = known;
  const isLive = !hasEnded(status);
  const isConnected = useIsConnected(isLive);
  const isSilent = useIsOverdue(status === "running" && !hasText, SILENT_MS);
  return replyState({
    ...known,
    isQueuedLong: useIsOverdue(status === "queued", QUEUED_LONG_MS),
    isThinking: thinksAloud || isSilent,
    isDisconnected: useIsOverdue(isLive && !isConnected, DISCONNECTED_MS),
  });
}

/** Whether the database is within reach; true, without watching, where nobody needs to know. */
function useIsConnected(isNeeded: boolean): boolean {
  const convex = useConvex();
  const subscribe = useCallback(
    (listener: () => void) => (isNeeded ? convex.subscribeToConnectionState(listener) : () => {}),
    [convex, isNeeded],
  );
  return useSyncExternalStore(subscribe, () => !isNeeded || convex.connectionState().isWebSocketConnected);
}
