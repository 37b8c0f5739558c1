/**
 * Document ids with the layout of Convex's: base32 of the table number (LEB128), 16 random bytes and a Fletcher-16
 * checksum. Opaque and unguessable, and each names its table, so `normalizeId` and `v.id()` need no database.
 */

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS = new Map(Array.from(ALPHABET, (letter, digit) => [letter, digit]));
const RANDOM_BYTES = 16;
const MIN_BYTES = 1 + RANDOM_BYTES + 2;
const MAX_BYTES = 5 + RANDOM_BYTES + 2;

/** @param randomBytes - Source of randomness; must be cryptographically strong outside tests. */
export function newDocumentId(tableNumber: number, randomBytes: (count: number) => Uint8Array): string {
  return encodeDocumentId(tableNumber, randomBytes(RANDOM_BYTES));
}

function encodeDocumentId(tableNumber: number, random: Uint8Array): string {
  const bytes: number[] = [];
  let rest = tableNumber;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest, ...random);
  const checksum = fletcher16(bytes);
  bytes.push(checksum & 0xff, checksum >>> 8);
  return toBase32(bytes);
}

/** Table number of a well-formed id in its canonical spelling; null for any other string. */
export function tableNumberOfId(id: string): number | null {
  if (!hasLengthOfId(id)) return null;
  const bytes = fromBase32(id);
  if (bytes === null) return null;
  let tableNumber = 0;
  let position = 0;
  for (; position < 5; position++) {
    const byte = bytes[position] ?? 0;
    tableNumber += (byte & 0x7f) * 2 ** (7 * position);
    if (byte < 0x80) break;
  }
  const random = bytes.slice(position + 1, position + 1 + RANDOM_BYTES);
  if (random.length !== RANDOM_BYTES || tableNumber === 0) return null;
  return encodeDocumentId(tableNumber, Uint8Array.from(random)) === id ? tableNumber : null;
}

/** Why `tableNumberOfId` found none, in Convex's words. */
export function idProblem(id: string): string {
  if (!hasLengthOfId(id)) return `Invalid ID length ${Buffer.byteLength(id)}`;
  return fromBase32(id) === null ? "ID wasn't valid base32" : "Invalid table number";
}

function hasLengthOfId({ length }: string): boolean {
  return length >= Math.ceil((MIN_BYTES * 8) / 5) && length <= Math.ceil((MAX_BYTES * 8) / 5);
}

function fletcher16(bytes: number[]): number {
  let low = 0;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 256;
    high = (high + low) % 256;
  }
  return (high << 8) | low;
}

function toBase32(bytes: number[]): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(buffer >>> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(buffer << (5 - bits)) & 31] : text;
}

function fromBase32(text: string): number[] | null {
  const bytes: number[] = [];
  let buffer = 0;
  let bits = 0;
  for (const letter of text) {
    const digit = DIGITS.get(letter);
    if (digit === undefined) return null;
    buffer = (buffer << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >>> bits) & 0xff);
      buffer &= (1 << bits) - 1;
    }
  }
  return bytes;
}
