/** Arguments into and results out of a function, checked against its validators and Convex's size limits. */
import { getConvexSize } from "convex/values";

import type { DeployedFunction } from "./deployedFunctions.ts";
import { displayName } from "./deployedFunctions.ts";
import { byteText } from "../values/byteText.ts";
import { decodeValue } from "../values/convexJson.ts";
import type { Value } from "../values/convexJson.ts";
import { validationProblem } from "../values/validation.ts";
import type { TableNameOf } from "../values/validation.ts";

/** Convex: 16 MiB for the arguments and for the result of a function. */
const MAX_VALUE_BYTES = 16 * 1024 * 1024;
/** What is shorter as JSON cannot be larger than that as Convex counts it. */
const SURELY_SMALL_JSON = MAX_VALUE_BYTES / 8;

/**
 * @param args - Convex JSON of the arguments object.
 * @returns the encoded array that `invokeQuery` and its sisters take.
 * @throws Error ("ArgumentValidationError: ...") when they do not fit.
 */
export function encodedArguments(fn: DeployedFunction, args: unknown, tableNames: TableNameOf): string {
  const encoded = JSON.stringify([args]);
  const name = displayName(fn.name);
  const value = decoded(args, `Invalid arguments for ${name}`);
  checkSize(`Arguments for ${name} are`, encoded, value);
  const problem = validationProblem(fn.definition.args, value, tableNames);
  if (problem !== null) throw new Error(`ArgumentValidationError: ${problem}`);
  return encoded;
}

/**
 * @param valueJson - What the function returned, Convex JSON, encoded.
 * @throws Error ("ReturnsValidationError: ...") when it does not fit.
 */
export function encodedResult(fn: DeployedFunction, valueJson: string, tableNames: TableNameOf): string {
  const what = `Function ${displayName(fn.name)} return value`;
  const value = decoded(JSON.parse(valueJson), `${what} invalid`);
  checkSize(`${what} is`, valueJson, value);
  const { returns } = fn.definition;
  if (returns === null || returns.type === "any") return valueJson;
  const problem = validationProblem(returns, value, tableNames);
  if (problem !== null) throw new Error(`ReturnsValidationError: ${problem}`);
  return valueJson;
}

function decoded(json: unknown, context: string): Value {
  try {
    return decodeValue(json);
  } catch (error) {
    throw new Error(`${context}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function checkSize(what: string, json: string, value: Value): void {
  if (json.length < SURELY_SMALL_JSON) return;
  const bytes = getConvexSize(value);
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new Error(`${what} too large (actual: ${byteText(bytes)}, limit: ${byteText(MAX_VALUE_BYTES)})`);
}
