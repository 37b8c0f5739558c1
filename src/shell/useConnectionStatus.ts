/** Whether the page is connected to its deployment, in the steps a person should hear about. */
import { useConvexConnectionState } from "convex/react";
import { useEffect, useState, useSyncExternalStore } from "react";

export type ConnectionStatus = "connected" | "connecting" | "reconnecting" | "offline";

/** Shorter breaks heal by themselves and are not worth a word. */
const PATIENCE_MS = 1_500;

export function useConnectionStatus(): ConnectionStatus {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const isOnline = useSyncExternalStore(subscribeToOnline, () => navigator.onLine);
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

function subscribeToOnline(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}
