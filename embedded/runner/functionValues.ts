/** Arguments into and results out of a function, checked against its validators and Convex's size limits. */
import type { DeployedFunction } from "./deployedFunctions.ts";
import { displayName } from "./deployedFunctions.ts";
import { decodeValue } from "../values/convexJson.ts";
import type { Value } from "../values/convexJson.ts";
import { validationProblem } from "../values/validation.ts";
import type { TableNameOf } from "../values/validation.ts";

const MIB = 1024 * 1024;
/** Convex: 16 MiB for the arguments and for the result of a function. */
const MAX_VALUE_BYTES = 16 * MIB;

/**
 * @param args - Convex JSON of the arguments object.
 * @returns the encoded array that `invokeQuery` and its sisters take.
 * @throws Error ("ArgumentValidationError: ...") when they do not fit.
 */
export function encodedArguments(fn: DeployedFunction, args: unknown, tableNames: TableNameOf): string {
  const encoded = JSON.stringify([args]);
  checkSize(`Arguments for ${displayName(fn.name)} are`, encoded);
  const value: Value = decodeValue(args);
  const problem = validationProblem(fn.definition.args, value, tableNames);
  if (problem !== null) throw new Error(`ArgumentValidationError: ${problem}`);
  return encoded;
}

/**
 * @param valueJson - What the function returned, Convex JSON, encoded.
 * @throws Error ("ReturnsValidationError: ...") when it does not fit.
 */
export function encodedResult(fn: DeployedFunction, valueJson: string, tableNames: TableNameOf): string {
  checkSize(`${displayName(fn.name)} return value is`, valueJson);
  const { returns } = fn.definition;
  if (returns === null || returns.type === "any") return valueJson;
  const problem = validationProblem(returns, decodeValue(JSON.parse(valueJson)), tableNames);
  if (problem !== null) throw new Error(`ReturnsValidationError: ${problem}`);
  return valueJson;
}

function checkSize(what: string, json: string): void {
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_VALUE_BYTES) return;
  throw new Error(
    `${what} too large (actual: ${(bytes / MIB).toFixed(2)} MiB, limit: 16 MiB). Pass less, or in parts.`,
  );
}
