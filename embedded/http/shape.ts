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

/** Twice what Convex's values may nest: past it recursive code would run out of stack. The exact limit is the engine's. */
const maxJsonDepth = 128;

/** Throws BadRequest, naming what, when its arrays and objects nest too deeply to be looked at. */
export function refuseDeepNesting(value: unknown, what: string): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxJsonDepth) {
      const sentence = `${what} nests arrays and objects more than ${maxJsonDepth} deep. Flatten it, or send it as a string.`;
      throw new DeploymentError("BadRequest", sentence);
    }
    level = level.flatMap((item) =>
      typeof item === "object" && item !== null
        ? Object.values(item).filter((inner) => typeof inner === "object" && inner !== null)
        : [],
    );
  }
}

function wrongShape(what: string, expected: string): DeploymentError {
  return new DeploymentError("BadRequest", `${what} must be ${expected}.`);
}
