/**
 * Order-preserving binary keys: comparing two keys byte by byte gives the order of `compareValues` on the tuples they
 * were made from. Each value is a tag and a self-delimiting body, so tuples are plain concatenations and every prefix
 * of a tuple is a byte prefix of its key.
 *
 * Order of tags: undefined < null < bigint < number < boolean < string < bytes < array < object (as in Convex).
 */
import type { Value } from "./convexJson.ts";
import { isObjectValue } from "./convexJson.ts";

const END = 0x00;
const UNDEFINED = 0x01;
const NULL = 0x02;
const BIGINT = 0x03;
const NUMBER = 0x04;
const FALSE = 0x05;
const TRUE = 0x06;
const STRING = 0x07;
const BYTES = 0x08;
const ARRAY = 0x09;
const OBJECT = 0x0a;
/** Before a byte 0 or 1 of a string or of bytes, which is then written one greater: content never holds END. */
const ESCAPE = 0x01;

export type IndexKey = Buffer;

/** Key of a tuple of values. A shorter tuple gives a prefix of the longer one's key. */
export function indexKey(values: readonly (Value | undefined)[]): IndexKey {
  const writer = new KeyWriter();
  for (const value of values) writeValue(writer, value);
  return writer.finish();
}

/**
 * Smallest key greater than every key that begins with `prefix`.
 * @returns null when there is none (the prefix is empty): the interval is open upwards.
 */
export function keyAfterPrefix(prefix: IndexKey): IndexKey | null {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const byte = prefix[last] ?? 0;
    if (byte === 0xff) continue;
    const successor = Buffer.from(prefix.subarray(0, last + 1));
    successor[last] = byte + 1;
    return successor;
  }
  return null;
}

/** Smallest key greater than `key` itself. */
export function keyAfter(key: IndexKey): IndexKey {
  return Buffer.concat([key, Buffer.from([0])]);
}

class KeyWriter {
  #bytes = Buffer.allocUnsafe(64);
  #length = 0;

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Eight bytes, big endian. */
  word(word: bigint): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeBigUInt64BE(word, this.#length);
  }

  escaped(content: Uint8Array): void {
    this.#reserve(content.length * 2 + 1);
    for (const byte of content) {
      if (byte <= ESCAPE) this.#bytes[this.#length++] = ESCAPE;
      this.#bytes[this.#length++] = byte <= ESCAPE ? byte + 1 : byte;
    }
    this.#bytes[this.#length++] = END;
  }

  finish(): IndexKey {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

const SIGN_BIT = 1n << 63n;
const numberBits = new DataView(new ArrayBuffer(8));

function writeValue(writer: KeyWriter, value: Value | undefined): void {
  if (value === undefined) writer.byte(UNDEFINED);
  else if (value === null) writer.byte(NULL);
  else if (typeof value === "bigint") {
    writer.byte(BIGINT);
    writer.word(BigInt.asUintN(64, value) ^ SIGN_BIT);
  } else if (typeof value === "number") {
    writer.byte(NUMBER);
    writer.word(orderedNumberBits(value));
  } else if (typeof value === "boolean") writer.byte(value ? TRUE : FALSE);
  else if (typeof value === "string") {
    writer.byte(STRING);
    writer.escaped(Buffer.from(value, "utf8"));
  } else if (value instanceof ArrayBuffer) {
    writer.byte(BYTES);
    writer.escaped(new Uint8Array(value));
  } else if (Array.isArray(value)) {
    writer.byte(ARRAY);
    for (const item of value) writeValue(writer, item);
    writer.byte(END);
  } else if (isObjectValue(value)) {
    writer.byte(OBJECT);
    for (const field of Object.keys(value).toSorted()) {
      if (value[field] === undefined) continue;
      writeValue(writer, field);
      writeValue(writer, value[field]);
    }
    writer.byte(END);
  } else throw new Error("A commit timestamp cannot be part of an index key before it is resolved");
}

/** IEEE 754 total order as an unsigned integer: negative numbers inverted, positive ones with the sign bit set. */
function orderedNumberBits(value: number): bigint {
  numberBits.setFloat64(0, value);
  const bits = numberBits.getBigUint64(0);
  return bits & SIGN_BIT ? BigInt.asUintN(64, ~bits) : bits | SIGN_BIT;
}
