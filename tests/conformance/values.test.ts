/** Convex values: what passes the wire, what is stored, how they are ordered, what is refused. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Value } from "convex/values";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("documents");
});
afterAll(() => app.close());

const bytes = new Uint8Array([0, 255, 128, 1]).buffer;

test.each<[string, Value]>([
  ["null", null],
  ["a number", 1.5],
  ["minus zero", -0],
  ["not a number", Number.NaN],
  ["infinity", Number.NEGATIVE_INFINITY],
  ["the largest int64", 9223372036854775807n],
  ["the smallest int64", -9223372036854775808n],
  ["a string beyond ASCII", "Grüße 👋🏽 \u0000 \u2028"],
  ["bytes", bytes],
  ["an empty array", []],
  ["nested arrays and objects", { list: [1n, [null, { deep: "er" }]], "": "empty key is no field" }],
])("%s comes back as it was given, from a function and from the database", async (name, value) => {
  // An object's field name cannot be empty: that part of the last row is about refusing it.
  const kept = name.startsWith("nested") ? { list: (value as { list: Value }).list } : value;
  const bag = freshName("values");
  expect(await app.query("values:echo", { value: kept })).toStrictEqual(kept);
  await app.mutation("values:put", { bag, name, value: kept });
  const [document] = await app.query<{ value: Value }[]>("values:all", { bag });
  expect(document!.value).toStrictEqual(kept);
});

test("user code sees plain objects, real arrays and ArrayBuffers", async () => {
  expect(await app.query("values:describe", { value: { a: 1 } })).toMatchObject({ isPlain: true });
  expect(await app.query("values:describe", { value: [1] })).toMatchObject({ isArray: true });
  expect(await app.query("values:describe", { value: bytes })).toMatchObject({ isBuffer: true });
  expect(await app.query("values:describe", { value: 1n })).toMatchObject({ type: "bigint" });
});

test("an index orders values by kind, and within a kind by value", async () => {
  const bag = freshName("order");
  const ordered: [string, Value | undefined][] = [
    ["undefined", undefined],
    ["null", null],
    ["int64 -1", -1n],
    ["int64 2", 2n],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["-1.5", -1.5],
    ["-0", -0],
    ["0", 0],
    ["1", 1],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["NaN", Number.NaN],
    ["false", false],
    ["true", true],
    ["empty string", ""],
    ["A", "A"],
    ["a", "a"],
    ["a then zero", "a\u0000"],
    ["ab", "ab"],
    ["é", "é"],
    ["beyond the BMP", "\u{1F600}"],
    ["bytes 01", new Uint8Array([1]).buffer],
    ["bytes 01 00", new Uint8Array([1, 0]).buffer],
    ["bytes 02", new Uint8Array([2]).buffer],
    ["[]", []],
    ["[null]", [null]],
    ["[1]", [1]],
    ["[1, 1]", [1, 1]],
    ["{}", {}],
    ["{ a: 1 }", { a: 1 }],
    ["{ a: 1, b: 1 }", { a: 1, b: 1 }],
    ["{ a: 2 }", { a: 2 }],
    ["{ b: 0 }", { b: 0 }],
  ];
  for (const [name, value] of ordered.toReversed()) {
    await app.mutation("values:put", value === undefined ? { bag, name } : { bag, name, value });
  }
  expect(await app.query("values:inOrder", { bag })).toEqual(ordered.map(([name]) => name));
});

test.each([
  ["date", "is not a supported Convex type"],
  ["map", "is not a supported Convex type"],
  ["set", "is not a supported Convex type"],
  ["function", "is not a supported Convex type"],
  ["symbol", "is not a supported Convex type"],
  ["class", "is not a supported Convex type"],
  ["nested", "is not a supported Convex type"],
  ["hugeBigint", "does not fit into a 64-bit signed integer"],
  ["dollarField", "starts with a '$', which is reserved"],
  ["undefinedInArray", "undefined is not a valid Convex value"],
])("a %s cannot be returned, and the error says why", async (kind, sentence) => {
  await expect(app.query("values:returnUnsupported", { kind })).rejects.toThrow(sentence);
});

test("fields that are undefined are left out of what is returned", async () => {
  expect(await app.query("values:undefinedFields")).toEqual({ here: 1 });
});

test("text with a lone surrogate is refused and nothing is stored", async () => {
  const bag = freshName("surrogate");
  const body = {
    path: "values:put",
    format: "convex_encoded_json",
    args: [{ bag, name: "x", value: "\ud800" }],
  };
  const response = await fetch(`${app.target.url}/api/mutation`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect(response.status === 200 ? (JSON.parse(text) as { status: string }).status : "error").toBe("error");
  expect(await app.query("values:all", { bag })).toEqual([]);
});

test("a document larger than 1 MiB is refused, one just below is kept", async () => {
  const bag = freshName("large");
  await app.mutation("values:put", { bag, name: "fits", value: "x".repeat(1024 * 1024 - 1000) });
  await expect(
    app.mutation("values:put", { bag, name: "too large", value: "x".repeat(1024 * 1024) }),
  ).rejects.toThrow("Value is too large");
});

test("a value nested deeper than 64 is refused", async () => {
  const nest = (depth: number): Value => (depth === 0 ? [] : [nest(depth - 1)]);
  const bag = freshName("nested");
  await expect(app.mutation("values:put", { bag, name: "deep", value: nest(70) })).rejects.toThrow(/nest/i);
});
