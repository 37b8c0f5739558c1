/** Evaluates the filter expressions of `convex/server` (`filter_builder_impl.ts`) on documents, as Convex does. */
import { compareValues } from "convex/values";

import { decodeValue, typeName, valueAtPath } from "../values/convexJson.ts";
import type { Value } from "../values/convexJson.ts";
import { valueText } from "../values/validatorText.ts";
import { isRecord } from "./syscallArgs.ts";

type Operand = Value | undefined;
export type Expression = (document: Value) => Operand;

/** @throws Error when the JSON is no expression. */
export function parseExpression(json: unknown): Expression {
  if (!isRecord(json)) throw new Error("Invalid filter expression: expected an object");
  const [[operator, operand] = []] = Object.entries(json);
  if (operator === "$literal") {
    const literal = decodeOrUndefined(operand);
    return () => literal;
  }
  if (operator === "$field") return fieldExpression(operand);
  const operands = (Array.isArray(operand) ? operand : [operand]).map(parseExpression);
  const [left, right] = operands;
  if (operator === "$and") return (document) => operands.every((part) => isTrue(part(document)));
  if (operator === "$or") return (document) => operands.some((part) => isTrue(part(document)));
  if (left && operator === "$not") return (document) => !isTrue(left(document));
  if (left && operator === "$neg") return (document) => negated(left(document));
  const comparison = COMPARISONS[operator ?? ""];
  if (left && right && comparison)
    return (document) => comparison(compareValues(left(document), right(document)));
  const arithmetic = ARITHMETIC[operator ?? ""];
  if (left && right && arithmetic)
    return (document) => calculated(arithmetic, left(document), right(document));
  throw new Error(`Invalid filter expression: unknown operator ${String(operator)}`);
}

/** Convex JSON, with `{ $undefined: null }` for a missing field. */
export function decodeOrUndefined(json: unknown): Operand {
  return isRecord(json) && "$undefined" in json ? undefined : decodeValue(json);
}

/** @throws Error when the value is no boolean. */
export function isTrue(value: Operand): boolean {
  if (typeof value === "boolean") return value;
  throw new Error(`Cannot use value ${described(value)} as a Boolean`);
}

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
  $eq: (order) => order === 0,
  $neq: (order) => order !== 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
};

interface Arithmetic {
  name: string;
  numbers: (a: number, b: number) => number;
  bigints: (a: bigint, b: bigint) => bigint;
}

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  $add: { name: "add", numbers: (a, b) => a + b, bigints: (a, b) => a + b },
  $sub: { name: "subtract", numbers: (a, b) => a - b, bigints: (a, b) => a - b },
  $mul: { name: "multiply", numbers: (a, b) => a * b, bigints: (a, b) => a * b },
  $div: { name: "divide", numbers: (a, b) => a / b, bigints: (a, b) => a / b },
  $mod: { name: "mod", numbers: (a, b) => a % b, bigints: (a, b) => a % b },
};

function calculated(arithmetic: Arithmetic, left: Operand, right: Operand): Value {
  const { name, numbers } = arithmetic;
  if (typeof left === "number" && typeof right === "number") return numbers(left, right);
  if (typeof left === "bigint" && typeof right === "bigint")
    return calculatedBigints(arithmetic, left, right);
  throw new Error(`Cannot ${name} ${described(left)} and ${described(right)}`);
}

function calculatedBigints({ name, bigints }: Arithmetic, left: bigint, right: bigint): bigint {
  const divides = name === "divide" || name === "mod";
  if (divides && right === 0n) throw new Error(`Cannot ${name} ${left} by zero`);
  const result = bigints(left, right);
  // The remainder of the smallest Int64 and -1 comes from a division that overflows.
  const fits = isInt64(result) && !(name === "mod" && !isInt64(left / right));
  if (fits) return result;
  throw new Error(`Cannot ${name} ${left} and ${right}: the result is out of range for Int64`);
}

function negated(value: Operand): Value {
  if (typeof value === "number") return -value;
  if (typeof value === "bigint") {
    if (isInt64(-value)) return -value;
    throw new Error(`Cannot negate ${value}: the result is out of range for Int64`);
  }
  throw new Error(`Cannot negate ${described(value)}`);
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

function described(value: Operand): string {
  const text = value === undefined ? "undefined" : valueText(value);
  return `${text} (type ${typeName(value)})`;
}

function fieldExpression(path: unknown): Expression {
  if (typeof path !== "string") throw new Error("Invalid filter expression: a field path must be a string");
  return (document) => valueAtPath(document, path);
}
