/** How values and validators are written in messages: the wording of Convex's backend. */
import type { ValidatorJson } from "../protocol/deployedCode.ts";
import { isObjectValue } from "./convexJson.ts";
import type { Value } from "./convexJson.ts";

export function validatorText(validator: ValidatorJson): string {
  switch (validator.type) {
    case "id":
      return `v.id("${validator.tableName}")`;
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    case "null":
    case "boolean":
    case "string":
    case "bytes":
    case "any":
    case "commitTs":
      return `v.${validator.type}()`;
    case "literal":
      return `v.literal(${literalText(validator.value)})`;
    case "array":
      return `v.array(${validatorText(validator.value)})`;
    case "record":
      return `v.record(${validatorText(validator.keys)}, ${validatorText(validator.values.fieldType)})`;
    case "union":
      return `v.union(${validator.value.map(validatorText).join(", ")})`;
    case "object": {
      const fields = sortedEntries(validator.value).map(([name, { fieldType, optional }]) => {
        const text = validatorText(fieldType);
        return `${name}: ${optional ? `v.optional(${text})` : text}`;
      });
      return `v.object({${fields.join(", ")}})`;
    }
    default:
      return validator satisfies never;
  }
}

/** @param literal - The JSON encoding of the literal. */
export function literalText(literal: unknown): string {
  return typeof literal === "object" ? "<bigint>" : JSON.stringify(literal);
}

export function valueText(value: Value): string {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return numberText(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof ArrayBuffer) return `b"${Buffer.from(value).toString("base64")}"`;
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  if (!isObjectValue(value)) return String(value);
  const fields = sortedEntries(value).filter((entry): entry is [string, Value] => entry[1] !== undefined);
  return `{${fields.map(([name, field]) => `${name}: ${valueText(field)}`).join(", ")}}`;
}

/** In the order in which Convex keeps, checks and shows fields. */
export function sortedEntries<Item>(object: Readonly<Record<string, Item>>): [string, Item][] {
  return Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** As Rust shows a float: with a point, or with an exponent when it is very large or small. */
function numberText(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-5 || size >= 1e16)) return value.toExponential().replace("e+", "e");
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
