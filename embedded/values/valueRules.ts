/**
 * What a value may be, wherever it stands: the limits of Convex and its words for them. Names of fields are the
 * business of the client library's codec.
 */
import { CommitTsPlaceholder } from "convex/values";
import type { Value } from "convex/values";

/** Deepest nesting of arrays and objects (Convex: MAX_NESTING). */
const MAX_NESTING = 64;
/** Convex: MAX_ARRAY_LEN. */
const MAX_ARRAY_ITEMS = 8192;
/** Convex: MAX_OBJECT_FIELDS. */
const MAX_FIELDS = 1024;
/** Convex: MAX_IDENTIFIER_LEN. */
const MAX_IDENTIFIER = 64;

/**
 * @returns how deeply arrays and objects are nested in the value: 0 for one that is neither.
 * @throws Error in Convex's words when Convex would not take the value.
 */
export function checkedNesting(value: Value): number {
  if (typeof value === "string") {
    if (!value.isWellFormed())
      throw new Error("String contains a lone surrogate, which is not valid unicode");
    return 0;
  }
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return 0;
  if (value instanceof CommitTsPlaceholder) {
    throw new Error(
      "`db.vars.commitTs` has a value in mutations only: pass it on to none but the database and other mutations.",
    );
  }
  const nesting = 1 + (Array.isArray(value) ? arrayNesting(value) : objectNesting(value));
  if (nesting > MAX_NESTING) {
    throw new Error(`Value is too nested (nested ${nesting} levels deep > maximum nesting ${MAX_NESTING})`);
  }
  return nesting;
}

function arrayNesting(items: Value[]): number {
  if (items.length > MAX_ARRAY_ITEMS) {
    throw new Error(`Array length is too long (${items.length} > maximum length ${MAX_ARRAY_ITEMS})`);
  }
  let deepest = 0;
  for (const item of items) deepest = Math.max(deepest, checkedNesting(item));
  return deepest;
}

function objectNesting(object: { [field: string]: Value | undefined }): number {
  let fields = 0;
  let deepest = 0;
  for (const value of Object.values(object)) {
    if (value === undefined) continue;
    fields += 1;
    deepest = Math.max(deepest, checkedNesting(value));
  }
  if (fields > MAX_FIELDS) {
    throw new Error(`Object has too many fields (${fields} > maximum number ${MAX_FIELDS})`);
  }
  return deepest;
}

/** What is wrong with the name of a table, an index or a field of a schema; null when nothing is. */
export function identifierProblem(name: string): string | null {
  if (name === "") return "Identifier cannot be empty";
  const [first = ""] = name;
  if (!/[a-z_]/i.test(first)) {
    return `Invalid first character '${first}' in ${name}: Identifiers must start with an alphabetic character or underscore`;
  }
  const invalid = /\W/u.exec(name);
  if (invalid) {
    return `Identifier ${name} has invalid character '${invalid[0]}': Identifiers can only contain alphanumeric characters or underscores`;
  }
  if (name.length > MAX_IDENTIFIER)
    return `Identifier is too long (${name.length} > maximum ${MAX_IDENTIFIER})`;
  return /^_+$/.test(name) ? `Identifier ${name} cannot have exclusively underscores` : null;
}
