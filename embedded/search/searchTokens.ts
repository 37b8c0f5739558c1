/**
 * How text becomes the terms of a search index: Convex's default analyzer. Split at whatever is no letter and no digit,
 * long words dropped, the rest in lower case.
 */

/** Runs of what Unicode calls alphabetic or numeric. */
const WORD = /[\p{Alphabetic}\p{N}]+/gu;

/** A word of this many bytes of UTF-8, or more, is not indexed (Convex: MAX_TEXT_TERM_LENGTH). */
const LONG_WORD_BYTES = 32;

/** Terms in the order of the text, repeated as often as they occur. */
export function* searchTokens(text: string): Generator<string> {
  for (const [word] of text.matchAll(WORD)) {
    // No character takes more than three bytes for each of its UTF-16 units.
    if (word.length * 3 < LONG_WORD_BYTES || Buffer.byteLength(word) < LONG_WORD_BYTES) yield lowerCase(word);
  }
}

/** Letter by letter: a word's last sigma has no form of its own in an index. */
function lowerCase(word: string): string {
  const lower = word.toLowerCase();
  return lower.includes("ς") ? Array.from(word, (letter) => letter.toLowerCase()).join("") : lower;
}
