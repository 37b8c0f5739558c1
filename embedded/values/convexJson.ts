/**
 * Convex values to and from their JSON encoding. The codec is the client library's own; what the library leaves to the
 * server is in valueRules.ts.
 */
import { convexToJson, jsonToConvex } from "convex/values";
import type { JSONValue, Value } from "convex/values";

import { checkedNesting } from "./valueRules.ts";

export type { JSONValue, Value };
export type ObjectValue = { [field: string]: Value | undefined };

/**
 * Decodes a value that comes from outside.
 * @throws Error with Convex's wording when Convex would not take it.
 */
export function decodeValue(json: unknown): Value {
  refusePrototypes(json);
  const value = jsonToConvex(json as JSONValue);
  checkedNesting(value);
  return value;
}

/**
 * The client library would make a field `__proto__` the prototype of its object, here, in functions and in browsers, and so
 * lose it without a word.
 * @throws Error
 */
export function refusePrototypes(json: unknown): void {
  if (typeof json !== "object" || json === null) return;
  if (Array.isArray(json)) return json.forEach(refusePrototypes);
  if (Object.hasOwn(json, "__proto__"))
    throw new Error(
      "Field name __proto__ is reserved: JavaScript takes it for the prototype. Use another name.",
    );
  for (const value of Object.values(json)) refusePrototypes(value);
}

/** Decodes what is stored: it was checked when it came, by the rules of that time. */
export function decodeStored(json: string): Value {
  return jsonToConvex(JSON.parse(json) as JSONValue);
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
