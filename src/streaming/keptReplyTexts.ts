/**
 * Keeps the texts of unfinished replies across a reload: what a driver showed is ahead of the database by up to a few
 * flushes, and the reloaded page must not show less. In `sessionStorage`, so each tab has its own.
 */
import { stillHeld, type ReplyText } from "./mergeReplyText.ts";

const STORAGE_KEY = "duet.unfinishedReplies";
/** Storage holds about 5 MB for the whole origin; a reply above this is read again from the database instead. */
const MAX_KEPT_LENGTH = 200_000;

type KeptText = Pick<ReplyText, "attempt" | "text" | "held">;

/** Writes the texts for the page that comes after this one in the same tab. */
export function keepReplyTexts(texts: ReadonlyMap<string, ReplyText>): void {
  const kept: Record<string, KeptText> = {};
  let length = 0;
  for (const [streamId, { attempt, text, held }] of texts) {
    length += text.length + (held?.length ?? 0);
    if (length > MAX_KEPT_LENGTH) break;
    kept[streamId] = { attempt, text, held };
  }
  try {
    if (Object.keys(kept).length === 0) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, JSON.stringify(kept));
  } catch {
    // Storage may be full or forbidden; the reply then starts from the persisted text, which is right too.
  }
}

/** The texts that the page before this one kept; each is given out once. */
export function takeKeptReplyTexts(): Map<string, ReplyText> {
  const texts = new Map<string, ReplyText>();
  try {
    const written = sessionStorage.getItem(STORAGE_KEY);
    sessionStorage.removeItem(STORAGE_KEY);
    if (written === null) return texts;
    for (const [streamId, kept] of Object.entries(JSON.parse(written) as Record<string, Partial<KeptText>>)) {
      if (typeof kept.attempt !== "number" || typeof kept.text !== "string") continue;
      const held = typeof kept.held === "string" ? stillHeld(kept.held, kept.text) : null;
      texts.set(streamId, { attempt: kept.attempt, text: kept.text, persistedLength: 0, held });
    }
  } catch {
    // Forbidden storage or a foreign value: nothing was kept.
  }
  return texts;
}
