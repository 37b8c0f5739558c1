/** Convex's `format: "json"`: values that JSON lacks become strings or numbers instead of `{ "$integer": … }`. */
import { isObject } from "./shape.ts";

/** From Convex JSON to plain JSON: integers as decimal text, bytes as base64, special floats by name. */
export function toPlainJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlainJson);
  if (!isObject(value)) return value;
  const { $integer: integer, $bytes: bytes, $float: float } = value;
  if (typeof integer === "string") return Buffer.from(integer, "base64").readBigInt64LE(0).toString();
  if (typeof bytes === "string") return bytes;
  if (typeof float === "string") return specialFloat(Buffer.from(float, "base64").readDoubleLE(0));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlainJson(inner)]));
}

/** NaN and the infinities have no JSON form; -0 is 0. */
function specialFloat(float: number): number | string {
  return Number.isFinite(float) ? float : String(float);
}
