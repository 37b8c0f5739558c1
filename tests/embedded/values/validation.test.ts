import { v } from "convex/values";
import type { GenericValidator } from "convex/values";
import { expect, test } from "vitest";

import type { ValidatorJson } from "../../../embedded/protocol/deployedCode.ts";
import type { Value } from "../../../embedded/values/convexJson.ts";
import { newDocumentId } from "../../../embedded/values/documentId.ts";
import { validationProblem } from "../../../embedded/values/validation.ts";

const TABLES = new Map([
  [10_001, "users"],
  [10_002, "posts"],
  [10_003, "_scheduled_functions"],
]);
const idIn = (table: number): string => newDocumentId(table, (count) => new Uint8Array(count).fill(7));

function problem(validator: GenericValidator, value: Value): string | null {
  // `json` is what exportArgs() sends; the class keeps it out of its public type.
  const { json } = validator as unknown as { json: ValidatorJson };
  return validationProblem(json, value, (number) => TABLES.get(number) ?? null);
}

test("values that fit have no problem", () => {
  expect(problem(v.object({ a: v.string(), b: v.optional(v.number()) }), { a: "x" })).toBeNull();
  expect(problem(v.array(v.union(v.literal("x"), v.null())), ["x", null])).toBeNull();
  expect(problem(v.record(v.string(), v.int64()), { a: 1n })).toBeNull();
  expect(problem(v.id("users"), idIn(10_001))).toBeNull();
  expect(problem(v.bytes(), new ArrayBuffer(2))).toBeNull();
  expect(problem(v.literal(1n), 1n)).toBeNull();
  expect(problem(v.any(), [{}])).toBeNull();
});

test("a missing field is reported in Convex's words", () => {
  expect(problem(v.object({ list: v.array(v.object({ x: v.string() })) }), { list: [{}] })).toBe(
    "Object is missing the required field `x`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\n" +
      "Path: .list[0]\nObject: {}\nValidator: v.object({x: v.string()})",
  );
});

test("an extra field is reported in Convex's words", () => {
  expect(problem(v.object({}), { a: 1 })).toBe(
    "Object contains extra field `a` that is not in the validator.\n\nObject: {a: 1.0}\nValidator: v.object({})",
  );
});

test("a wrong value is reported with its path, itself and the validator", () => {
  expect(problem(v.object({ a: v.optional(v.int64()) }), { a: "x" })).toBe(
    'Value does not match validator.\nPath: .a\nValue: "x"\nValidator: v.int64()',
  );
  expect(problem(v.union(v.string(), v.boolean()), 1.5)).toBe(
    "Value does not match validator.\n\nValue: 1.5\nValidator: v.union(v.string(), v.boolean())",
  );
  expect(problem(v.literal("a"), "b")).toBe('`"b"` does not match literal validator `v.literal("a")`.');
});

test("an id of another table, a system table or no table is refused", () => {
  expect(problem(v.id("users"), idIn(10_002))).toContain("from table `posts`, which does not match");
  expect(problem(v.id("users"), idIn(10_003))).toContain("from a system table");
  expect(problem(v.id("users"), idIn(10_009))).toContain("Value does not match validator.");
  expect(problem(v.id("users"), "nonsense")).toContain('Validator: v.id("users")');
});

test("fields named like members of Object.prototype are ordinary fields", () => {
  expect(problem(v.object({ a: v.string() }), { a: "x", toString: 1 })).toContain("extra field `toString`");
  expect(problem(v.object({ constructor: v.string() }), {})).toContain(
    "missing the required field `constructor`",
  );
});
