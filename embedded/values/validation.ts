/** Checks a value against a validator, with the messages of Convex's backend. */
import { convexToJson } from "convex/values";

import type { ValidatorJson } from "../protocol/deployedCode.ts";
import { isObjectValue } from "./convexJson.ts";
import type { ObjectValue, Value } from "./convexJson.ts";
import { tableNumberOfId } from "./documentId.ts";
import { literalText, sortedEntries, validatorText, valueText } from "./validatorText.ts";

/** Name of the table with this number in the component whose function is validated; null when it has none. */
export type TableNameOf = (tableNumber: number) => string | null;

interface Mismatch {
  /** Path from the mismatch outwards, innermost first. */
  path: string[];
  message(context: string): string;
}

/** @returns null when the value fits, else a sentence as Convex words it. */
export function validationProblem(
  validator: ValidatorJson,
  value: Value,
  tableNameOf: TableNameOf,
): string | null {
  const mismatch = findMismatch(validator, value, tableNameOf);
  if (mismatch === null) return null;
  return mismatch.message(mismatch.path.length > 0 ? `Path: ${mismatch.path.toReversed().join("")}` : "");
}

function findMismatch(validator: ValidatorJson, value: Value, tableNameOf: TableNameOf): Mismatch | null {
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return value === null ? null : noMatch(validator, value);
    case "number":
    case "bigint":
    case "boolean":
    case "string":
      return typeof value === validator.type ? null : noMatch(validator, value);
    case "commitTs": // a placeholder has its value by now
      return typeof value === "bigint" ? null : noMatch(validator, value);
    case "bytes":
      return value instanceof ArrayBuffer ? null : noMatch(validator, value);
    case "literal":
      return literalMismatch(validator.value, value);
    case "id":
      return idMismatch(validator, value, tableNameOf);
    case "array":
      if (!Array.isArray(value)) return noMatch(validator, value);
      return firstMismatch(value.entries(), ([index, item]) =>
        within(`[${index}]`, findMismatch(validator.value, item, tableNameOf)),
      );
    case "record":
      if (!isObjectValue(value)) return noMatch(validator, value);
      return firstMismatch(
        definedEntries(value),
        ([key, item]) =>
          within(".keys()", findMismatch(validator.keys, key, tableNameOf)) ??
          within(".values()", findMismatch(validator.values.fieldType, item, tableNameOf)),
      );
    case "object":
      return isObjectValue(value) ? objectMismatch(validator, value, tableNameOf) : noMatch(validator, value);
    case "union":
      if (validator.value.length === 1 && validator.value[0]) {
        return findMismatch(validator.value[0], value, tableNameOf);
      }
      return validator.value.some((member) => findMismatch(member, value, tableNameOf) === null)
        ? null
        : noMatch(validator, value);
    default:
      return validator satisfies never;
  }
}

function objectMismatch(
  validator: Extract<ValidatorJson, { type: "object" }>,
  value: ObjectValue,
  tableNameOf: TableNameOf,
): Mismatch | null {
  const tail = (context: string): string =>
    `\n${context}\nObject: ${valueText(value)}\nValidator: ${validatorText(validator)}`;
  for (const [name, { fieldType, optional }] of sortedEntries(validator.value)) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    if (field !== undefined) {
      const mismatch = within(`.${name}`, findMismatch(fieldType, field, tableNameOf));
      if (mismatch) return mismatch;
    } else if (!optional) {
      return {
        path: [],
        message: (context) =>
          `Object is missing the required field \`${name}\`. Consider wrapping the field validator in ` +
          `\`v.optional(...)\` if this is expected.${tail(context)}`,
      };
    }
  }
  for (const [name] of definedEntries(value)) {
    if (Object.hasOwn(validator.value, name)) continue;
    return {
      path: [],
      message: (context) =>
        `Object contains extra field \`${name}\` that is not in the validator.${tail(context)}`,
    };
  }
  return null;
}

function literalMismatch(literal: unknown, value: Value): Mismatch | null {
  if (JSON.stringify(convexToJson(value)) === JSON.stringify(literal)) return null;
  return {
    path: [],
    message: (context) =>
      `\`${valueText(value)}\` does not match literal validator \`v.literal(${literalText(literal)})\`.${context}`,
  };
}

function idMismatch(
  validator: Extract<ValidatorJson, { type: "id" }>,
  value: Value,
  tableNameOf: TableNameOf,
): Mismatch | null {
  if (typeof value !== "string") return noMatch(validator, value);
  const tableNumber = tableNumberOfId(value);
  const found = tableNumber === null ? null : tableNameOf(tableNumber);
  if (found === null) return noMatch(validator, value);
  if (found === validator.tableName) return null;
  const table = found.startsWith("_") ? "a system table" : `table \`${found}\``;
  return {
    path: [],
    message: (context) =>
      `Found ID "${value}" from ${table}, which does not match the table name in validator ` +
      `\`v.id("${validator.tableName}")\`.${context}`,
  };
}

function noMatch(validator: ValidatorJson, value: Value): Mismatch {
  return {
    path: [],
    message: (context) =>
      `Value does not match validator.\n${context}\nValue: ${valueText(value)}\nValidator: ${validatorText(validator)}`,
  };
}

function within(step: string, mismatch: Mismatch | null): Mismatch | null {
  mismatch?.path.push(step);
  return mismatch;
}

function firstMismatch<Item>(items: Iterable<Item>, check: (item: Item) => Mismatch | null): Mismatch | null {
  for (const item of items) {
    const mismatch = check(item);
    if (mismatch) return mismatch;
  }
  return null;
}

function definedEntries(value: ObjectValue): [string, Value][] {
  return sortedEntries(value).filter((entry): entry is [string, Value] => entry[1] !== undefined);
}
