/** Whether the page is connected to its deployment, in the steps a person should hear about. */
import { useConvexConnectionState } from "convex/react";
import { useEffect, useState } from "react";
import { useIsOnline } from "../useIsOnline.ts";

export type ConnectionStatus = "connected" | "connecting" | "reconnecting" | "offline";

/** Shorter breaks heal by themselves and are not worth a word. */
const PATIENCE_MS = 1_500;

export function useConnectionStatus(): ConnectionStatus {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const isOnline = useIsOnline();
  const isPatienceOver = useIsOverdue(!isWebSocketConnected);

  if (!isOnline) return "offline";
  if (isWebSocketConnected || !isPatienceOver) return "connected";
  return hasEverConnected ? "reconnecting" : "connecting";
}

/** True once `isWaiting` has been true for the length of our patience without a break. */
function useIsOverdue(isWaiting: boolean): boolean {
  const [isOverdue, setIsOverdue] = useState(false);
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setTimeout(() => setIsOverdue(true), PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      setIsOverdue(false);
    };
  }, [isWaiting]);
  return isOverdue;
}
