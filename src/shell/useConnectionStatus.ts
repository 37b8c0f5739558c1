/** Whether the page is connected to its deployment, in the steps a person should hear about. */
import { useConvexConnectionState } from "convex/react";
import { useIsOnline } from "../useIsOnline.ts";
import { useIsOverdue } from "../useIsOverdue.ts";

export type ConnectionStatus = "connected" | "connecting" | "reconnecting" | "offline";

/** Shorter breaks heal by themselves and are not worth a word. */
const PATIENCE_MS = 1_500;

export function useConnectionStatus(): ConnectionStatus {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const isOnline = useIsOnline();
  const isPatienceOver = useIsOverdue(!isWebSocketConnected, PATIENCE_MS);

  if (!isOnline) return "offline";
  if (!isPatienceOver) return "connected";
  return hasEverConnected ? "reconnecting" : "connecting";
}
