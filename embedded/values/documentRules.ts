/** What a document may be, apart from its table's own validator. */
import { getConvexSize } from "convex/values";

import type { ObjectValue, Value } from "./convexJson.ts";
import { byteText } from "./byteText.ts";
import { isObjectValue } from "./convexJson.ts";
import { valueText } from "./validatorText.ts";
import { checkedNesting } from "./valueRules.ts";

/** Convex: a document is at most 1 MiB. */
const MAX_DOCUMENT_BYTES = 1024 * 1024;
/** Convex: MAX_DOCUMENT_NESTING. */
const MAX_DOCUMENT_NESTING = 16;

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
 * A document may be written with its own system fields, not with others.
 * @throws Error in Convex's words.
 */
export function checkSystemFields(body: ObjectValue, own: { id: string; creationTime: number }): void {
  if (body["_id"] !== undefined && body["_id"] !== own.id) {
    throw new Error(
      `Provided document ID ${valueText(own.id)} doesn't match '_id' field ${valueText(body["_id"])}`,
    );
  }
  if (body["_creationTime"] !== undefined && body["_creationTime"] !== own.creationTime) {
    throw new Error(
      `Provided creation time ${own.creationTime} doesn't match '_creationTime' field in ${valueText(body)}`,
    );
  }
}

/**
 * Size of a whole document as Convex counts it.
 * @throws Error when it is larger, or more deeply nested, than a document may be.
 */
export function documentBytes(document: ObjectValue): number {
  const nesting = checkedNesting(document);
  if (nesting > MAX_DOCUMENT_NESTING) {
    throw new Error(
      `Document is too nested (nested ${nesting} levels deep > maximum nesting ${MAX_DOCUMENT_NESTING})`,
    );
  }
  const bytes = getConvexSize(document);
  if (bytes > MAX_DOCUMENT_BYTES) {
    throw new Error(`Value is too large (${byteText(bytes)} > maximum size ${byteText(MAX_DOCUMENT_BYTES)})`);
  }
  return bytes;
}
