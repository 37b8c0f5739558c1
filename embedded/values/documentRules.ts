/** What a document may be, apart from its table's own validator. */
import { getConvexSize } from "convex/values";

import type { ObjectValue, Value } from "./convexJson.ts";
import { isObjectValue } from "./convexJson.ts";

/** Convex: a document is at most 1 MiB. */
const MAX_DOCUMENT_BYTES = 1024 * 1024;

/**
 * Checks the body a function hands to insert or replace.
 * @throws Error when it is no object or has a reserved field.
 */
export function checkDocumentBody(value: Value): asserts value is ObjectValue {
  if (!isObjectValue(value)) throw new Error("Value must be an Object");
  for (const field of Object.keys(value)) {
    if (field.startsWith("_") && field !== "_id" && field !== "_creationTime") {
      throw new Error(
        `Field '${field}' starts with an underscore, which is only allowed for system fields like '_id'`,
      );
    }
  }
}

/**
 * Size of a whole document as Convex counts it.
 * @throws Error when it is larger than a document may be.
 */
export function documentBytes(document: ObjectValue): number {
  const bytes = getConvexSize(document);
  if (bytes > MAX_DOCUMENT_BYTES) {
    throw new Error(
      `Value is too large (${(bytes / MAX_DOCUMENT_BYTES).toFixed(2)} MiB > maximum size 1 MiB). ` +
        "Split the document into several, each below the limit.",
    );
  }
  return bytes;
}
