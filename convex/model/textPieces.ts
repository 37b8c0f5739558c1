/** Cutting text by length or by size, never through a surrogate pair. Lengths are UTF-16 units. */

/** The beginning of the text, at most `maxLength` long; a pair that would be split is left out. */
export function cutAt(text: string, maxLength: number): string {
  if (text.length <= maxLength) {
    return text;
  }
  return text.slice(0, isHighSurrogate(text.charCodeAt(maxLength - 1)) ? maxLength - 1 : maxLength);
}

/** The end of the text, at most `maxLength` long; a pair that would be split is left out. */
export function endWithin(text: string, maxLength: number): string {
  if (text.length <= maxLength) {
    return text;
  }
  const start = text.length - maxLength;
  return text.slice(isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start);
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

/** The size of well-formed text in UTF-8, the form in which the database counts it. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    bytes += bytesOfUnit(text.charCodeAt(index));
  }
  return bytes;
}

/** The whole text in pieces of at most `maxBytes`, which is four or more; none for an empty text. */
export function* bytePieces(text: string, maxBytes: number): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = endOfBytes(text, start, maxBytes);
    yield text.slice(start, end);
    start = end;
  }
}

/** Where a piece that begins at `start` ends. */
function endOfBytes(text: string, start: number, maxBytes: number): number {
  let end = start;
  let bytes = 0;
  while (end < text.length) {
    const units = isHighSurrogate(text.charCodeAt(end)) ? 2 : 1;
    bytes += units * bytesOfUnit(text.charCodeAt(end));
    if (bytes > maxBytes) {
      break;
    }
    end += units;
  }
  return Math.min(end, text.length);
}

/** A surrogate pair has four bytes, so each half of it counts two. */
function bytesOfUnit(unit: number): number {
  if (unit < 0x80) {
    return 1;
  }
  return unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
}

export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
