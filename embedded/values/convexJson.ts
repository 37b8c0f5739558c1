/**
 * Convex values to and from their JSON encoding. The codec is the client library's own; this file adds the types
 * and the two rules the library leaves to the server: nesting depth and well-formed strings.
 */
import { CommitTsPlaceholder, convexToJson, jsonToConvex } from "convex/values";
import type { JSONValue, Value } from "convex/values";

export type { JSONValue, Value };
export type ObjectValue = { [field: string]: Value | undefined };

/** Deepest nesting of arrays and objects in a value (Convex: MAX_NESTING). */
const MAX_NESTING = 64;

/**
 * Decodes a value and refuses what Convex refuses.
 * @throws Error with Convex's wording when a string holds a lone surrogate or the value nests too deeply.
 */
export function decodeValue(json: unknown): Value {
  const value = jsonToConvex(json as JSONValue);
  checkValue(value, 0);
  return value;
}

export function encodeValue(value: Value): string {
  return JSON.stringify(convexToJson(value));
}

export function isObjectValue(value: Value | undefined): value is ObjectValue {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof ArrayBuffer) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

/** Convex's name of the value's type. */
export function typeName(value: Value | undefined): string {
  if (value === undefined) return "undefined";
  if (value === null) return "Null";
  if (typeof value === "bigint") return "Int64";
  if (typeof value === "number") return "Float64";
  if (typeof value === "boolean") return "Boolean";
  if (typeof value === "string") return "String";
  if (value instanceof ArrayBuffer) return "Bytes";
  return Array.isArray(value) ? "Array" : "Object";
}

/** Value at a field path ("a.b"); undefined where the path leaves the value. */
export function valueAtPath(value: Value | undefined, path: string): Value | undefined {
  let current: Value | undefined = value;
  for (const field of path.split(".")) {
    if (!isObjectValue(current) || !Object.hasOwn(current, field)) return undefined;
    current = current[field];
  }
  return current;
}

function checkValue(value: Value, depth: number): void {
  if (depth > MAX_NESTING) {
    throw new Error(`Value is too nested (maximum nesting ${MAX_NESTING})`);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed())
      throw new Error("String contains a lone surrogate, which is not valid unicode");
    return;
  }
  if (value instanceof CommitTsPlaceholder) {
    throw new Error(
      "`db.vars.commitTs` has a value in mutations only: pass it on to none but the database and other mutations.",
    );
  }
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, depth + 1);
    return;
  }
  if (isObjectValue(value)) {
    for (const field of Object.values(value)) {
      if (field !== undefined) checkValue(field, depth + 1);
    }
  }
}
