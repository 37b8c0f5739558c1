/** Drafts that are to be sent at the end of a reply: which, as the tab keeps it over a reload, beside the text itself. */
import { readStored, writeStored } from "../storedValue.ts";

export interface HeldBack {
  /** The row of the reply that is waited for. */
  replyKey: string;
  /** Known by now, so that a copy of this tab, which has the same draft, sends the same request. */
  clientRequestId: string;
  heldAtMs: number;
}

/** A tab that is opened again after longer than this leaves the sending to the person. */
const KEPT_FOR_MS = 10 * 60_000;

/** Null: the draft waits for nothing. */
export function keepHeldBack(draftKey: string, heldBack: HeldBack | null): void {
  writeStored(storageKey(draftKey), heldBack === null ? null : JSON.stringify(heldBack), "tab");
}

export function readHeldBack(draftKey: string): HeldBack | null {
  const written = readStored(storageKey(draftKey), "tab");
  if (written === null) return null;
  try {
    const { replyKey, clientRequestId, heldAtMs } = JSON.parse(written) as Partial<HeldBack>;
    if (typeof replyKey !== "string" || typeof clientRequestId !== "string") return null;
    if (typeof heldAtMs !== "number" || Date.now() - heldAtMs > KEPT_FOR_MS) return null;
    return { replyKey, clientRequestId, heldAtMs };
  } catch {
    // Not ours or cut short: the text stands in its composer, and Enter sends it.
    return null;
  }
}

function storageKey(draftKey: string): string {
  return `duet.heldBack.${draftKey}`;
}
