/** Where a sentence or a word ends in a growing text, so that it may be cut there. */

const sentenceEnd = /[.!?…]["'”’)\]*_]*\s+|\n+|[。！？]["'”’」』）]*/g;
const wordEnd = /\s+/g;

/** A sentence end is seen at the latest with the character after it, so a search may begin this far back. */
const lookBehind = 8;

/** The end of the last sentence or line that ends after `searched`; 0 if none does. */
export function lastSentenceEnd(text: string, searched: number): number {
  return lastMatchEnd(sentenceEnd, text, Math.max(0, searched - lookBehind));
}

/**
 * The end of the last white space; of the whole text if it has none, as in Chinese or in a long identifier.
 */
export function lastWordEnd(text: string): number {
  return lastMatchEnd(wordEnd, text, 0) || text.length;
}

function lastMatchEnd(pattern: RegExp, text: string, start: number): number {
  let end = 0;
  for (const match of text.slice(start).matchAll(pattern)) {
    end = start + match.index + match[0].length;
  }
  return end;
}
