/** Finds where a growing text may be read aloud. */

/** The end of a sentence or line: closing punctuation (Latin, Devanagari, CJK, full-width) with what follows it. */
const SENTENCE_END = /(?:[.!?…।]["'”’)\]*_`]*\s|[。！？]["'”’」』）]*|\n)/gu;

/**
 * The offset after the last whole sentence of `text` that ends beyond `from`; `from` itself when there is none.
 * UTF-16 units.
 */
export function endOfLastSentence(text: string, from: number): number {
  let end = from;
  for (const match of text.slice(from).matchAll(SENTENCE_END)) end = from + match.index + match[0].length;
  return end;
}
