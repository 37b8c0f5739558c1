/** The texts this tab has sent, by request id, so that its own messages are on the screen without a read. */

/** In UTF-16 units, all texts together; the oldest go first and are read from the database where they are shown. */
const MAX_KEPT_LENGTH = 1_000_000;

const texts = new Map<string, string>();
let keptLength = 0;

/** Oldest first. */
export const ownTexts: ReadonlyMap<string, string> = texts;

/** Keeps a text under an id of its own; the newest one is kept at any length. */
export function keepOwnText(clientRequestId: string, text: string): void {
  texts.set(clientRequestId, text);
  keptLength += text.length;
  for (const [oldest, { length }] of texts) {
    if (keptLength <= MAX_KEPT_LENGTH || oldest === clientRequestId) return;
    texts.delete(oldest);
    keptLength -= length;
  }
}
