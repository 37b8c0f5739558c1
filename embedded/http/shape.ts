/** Checks of JSON that came from outside, with messages that name the field. */
import { DeploymentError } from "../protocol/deploymentError.ts";

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value;
  throw wrongShape(what, "an object");
}

export function asString(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw wrongShape(what, "a string");
}

export function asArray(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw wrongShape(what, "an array");
}

/** A version or an id: a whole number that is not negative. */
export function asCount(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrongShape(what, "a whole number of at least 0");
}

function wrongShape(what: string, expected: string): DeploymentError {
  return new DeploymentError("BadRequest", `${what} must be ${expected}.`);
}
