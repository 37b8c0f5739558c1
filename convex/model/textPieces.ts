/** Cutting text by length, never through a surrogate pair. Lengths are UTF-16 units. */

/** The beginning of the text, at most `maxLength` long; a pair that would be split is left out. */
export function cutAt(text: string, maxLength: number): string {
  if (text.length <= maxLength) {
    return text;
  }
  return text.slice(0, isHighSurrogate(text.charCodeAt(maxLength - 1)) ? maxLength - 1 : maxLength);
}

/** The whole text in pieces of at most `maxLength`, which is two or more; none for an empty text. */
export function* pieces(text: string, maxLength: number): Generator<string> {
  let start = 0;
  while (start < text.length) {
    // One unit more than wanted shows the cut whether there is anything to cut.
    const piece = cutAt(text.slice(start, start + maxLength + 1), maxLength);
    yield piece;
    start += piece.length;
  }
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
