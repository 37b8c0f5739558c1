/** Evaluates the filter expressions of `convex/server` (`filter_builder_impl.ts`) on documents. */
import { compareValues } from "convex/values";

import { decodeValue, valueAtPath } from "../values/convexJson.ts";
import type { Value } from "../values/convexJson.ts";
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

export function isTrue(value: Operand): boolean {
  return value === true;
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
  symbol: string;
  numbers: (a: number, b: number) => number;
  bigints: (a: bigint, b: bigint) => bigint;
}

const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  $add: { symbol: "+", numbers: (a, b) => a + b, bigints: (a, b) => a + b },
  $sub: { symbol: "-", numbers: (a, b) => a - b, bigints: (a, b) => a - b },
  $mul: { symbol: "*", numbers: (a, b) => a * b, bigints: (a, b) => a * b },
  $div: { symbol: "/", numbers: (a, b) => a / b, bigints: (a, b) => a / b },
  $mod: { symbol: "%", numbers: (a, b) => a % b, bigints: (a, b) => a % b },
};

function calculated({ symbol, numbers, bigints }: Arithmetic, left: Operand, right: Operand): Value {
  if (typeof left === "number" && typeof right === "number") return numbers(left, right);
  if (typeof left === "bigint" && typeof right === "bigint") return BigInt.asIntN(64, bigints(left, right));
  throw new Error(
    `Cannot calculate ${typeof left} ${symbol} ${typeof right} in a filter: both must be numbers or both bigints`,
  );
}

function negated(value: Operand): Value {
  if (typeof value === "number" || typeof value === "bigint") return -value;
  throw new Error(`Cannot negate ${typeof value} in a filter`);
}

function fieldExpression(path: unknown): Expression {
  if (typeof path !== "string") throw new Error("Invalid filter expression: a field path must be a string");
  return (document) => valueAtPath(document, path);
}
