/** Sends what a page of this browser wrote down and did not live to see accepted. */
import type { ConvexReactClient } from "convex/react";
import { addedRequestId, readOutbox, readOutboxEntry } from "./outbox.ts";
import { pendingSends } from "./pendingSends.ts";
import { whenFree } from "./sendLocks.ts";
import { deliver, giveBack } from "./sendTurn.ts";

/** A message written down longer ago than this goes back to the composer rather than out by itself. */
const RESEND_WITHIN_MS = 10 * 60_000;

/**
 * Takes over every request that is written down, or will be by another tab, as soon as the tab that sends it is gone.
 * Goes on until the returned function is called.
 */
export function watchOutbox(convex: ConvexReactClient): () => void {
  const onStorage = (event: StorageEvent) => {
    const added = addedRequestId(event);
    if (added !== null) takeOver(convex, added);
  };
  window.addEventListener("storage", onStorage);
  for (const { request } of readOutbox()) takeOver(convex, request.clientRequestId);
  return () => window.removeEventListener("storage", onStorage);
}

function takeOver(convex: ConvexReactClient, clientRequestId: string): void {
  whenFree(clientRequestId, async () => {
    const entry = readOutboxEntry(clientRequestId);
    if (entry === null || pendingSends.has(clientRequestId)) return;
    if (Date.now() - entry.sentAtMs > RESEND_WITHIN_MS) giveBack(entry, null);
    else await deliver(convex, entry);
  }).catch((error: unknown) => {
    console.error("A message that was written down could not be sent; the next page tries again.", error);
  });
}
