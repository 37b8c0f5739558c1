/** Arguments, results and errors of functions, as callers see them. */
import { ConvexError } from "convex/values";
import type { Value } from "convex/values";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("validation");
});
afterAll(() => app.close());

const call = (name: string, value: Value): Promise<unknown> => app.query(`products:${name}`, { value });

describe("arguments", () => {
  test.each<[string, Value, Value]>([
    ["string", "x", 1],
    ["number", 1.5, 1n],
    ["boolean", false, "false"],
    ["int64", 1n, 1],
    ["bytes", new ArrayBuffer(1), [1]],
    ["null_", null, false],
    ["literal", "yes", "no"],
    ["union", "one", 2],
    ["array", [1, 2], [1, "2"]],
    ["object", { inner: "x" }, { inner: 1 }],
    ["record", { a: 1 }, { a: "1" }],
    ["optional", "x", 1],
  ])("%s: one that fits is taken, another is refused by name", async (name, fitting, other) => {
    expect(await call(name, fitting)).toBe("accepted");
    await expect(call(name, other)).rejects.toThrow("ArgumentValidationError: ");
  });

  test("any takes every value", async () => {
    for (const value of [null, 1n, [{}], "x"]) expect(await call("any", value)).toBe("accepted");
  });

  test("an id is one of the named table", async () => {
    const id = await app.mutation<string>("products:insert", { table: "makers", document: { name: "x" } });
    expect(await call("id", id)).toBe("accepted");
    await expect(call("id", "nonsense")).rejects.toThrow("Value does not match validator.");
  });

  test("the refusal names the place, the value and the validator", async () => {
    await expect(call("array", [1, "2"])).rejects.toThrow(
      /ArgumentValidationError: Value does not match validator\.\nPath: \.value\[1\]\nValue: "2"\nValidator: v\.float64\(\)/,
    );
  });

  test("a missing argument and one too many are named", async () => {
    await expect(app.query("products:string")).rejects.toThrow(
      "Object is missing the required field `value`",
    );
    await expect(app.query("products:nothing", { more: 1 })).rejects.toThrow(
      "Object contains extra field `more` that is not in the validator.",
    );
    expect(await app.query("products:optional")).toBe("accepted");
  });

  test("a function without declared arguments takes any", async () => {
    expect(await app.query("products:undeclared", { a: 1, b: 2 })).toEqual(["a", "b"]);
  });
});

describe("results", () => {
  test("one that does not fit fails the call", async () => {
    await expect(app.query("products:returnsWrong")).rejects.toThrow("ReturnsValidationError: ");
    await expect(app.action("products:returnsExtra")).rejects.toThrow("ReturnsValidationError: ");
    expect(await app.query("products:returnsRight")).toEqual([1, 2]);
  });
});

describe("documents", () => {
  const insert = (table: string, document: Value): Promise<string> =>
    app.mutation<string>("products:insert", { table, document });

  test("one that does not fit its table is refused with the table's name, and nothing is stored", async () => {
    const before = await app.query("products:count");
    await expect(insert("products", { name: "x", price: "1", kind: "book" })).rejects.toThrow(
      'Failed to insert or update a document in table "products" because it does not match the schema: ' +
        "Value does not match validator.\nPath: .price",
    );
    await expect(insert("products", { name: "x", price: 1, kind: "car" })).rejects.toThrow("Path: .kind");
    await expect(insert("products", { name: "x", price: 1, kind: "toy", size: 3 })).rejects.toThrow(
      "Object contains extra field `size`",
    );
    expect(await app.query("products:count")).toBe(before);
  });

  test("a patch is checked as the whole document it makes", async () => {
    const id = await insert("products", { name: freshName("book"), price: 1, kind: "book" });
    await expect(app.mutation("products:patch", { id, changes: { tags: [1] } })).rejects.toThrow(
      "Path: .tags[0]",
    );
    await app.mutation("products:patch", { id, changes: { tags: ["new"] } });
  });

  test("a table of a union takes each of its objects and no mixture", async () => {
    await insert("events", { type: "sale", amount: 3 });
    await insert("events", { type: "note", text: "x" });
    await expect(insert("events", { type: "sale", text: "x" })).rejects.toThrow("does not match the schema");
  });

  test("a table that the schema does not name takes anything", async () => {
    expect(await insert(`t${Date.now()}`, { whatever: [1] })).toEqual(expect.any(String));
  });

  test("fields with a leading underscore and tables with strange names are refused", async () => {
    await expect(insert("makers", { name: "x", _secret: 1 })).rejects.toThrow("starts with an underscore");
    await expect(insert("no-hyphens", {})).rejects.toThrow(/no-hyphens has invalid character/);
  });
});

describe("calling", () => {
  test("an internal function is nobody's from outside", async () => {
    await expect(app.query("products:secret")).rejects.toThrow("Could not find public function");
  });

  test("a function that does not exist is named", async () => {
    await expect(app.query("products:nowhere")).rejects.toThrow(
      /Could not find public function.*products:nowhere/,
    );
    await expect(app.query("nowhere:nothing")).rejects.toThrow(
      /Could not find public function.*nowhere:nothing/,
    );
  });

  test("a mutation is not called as a query, nor a query as a mutation", async () => {
    await expect(app.query("products:clear")).rejects.toThrow(/clear.* (as|is a) /is);
    await expect(app.mutation("products:count")).rejects.toThrow(/count.* (as|is a) /is);
  });

  test("an error of the code reaches a developer with message and place", async () => {
    await expect(app.query("products:throws", { kind: "error" })).rejects.toThrow(
      /Uncaught Error: plain trouble[\s\S]*at handler .*products\.ts/,
    );
    await expect(app.query("products:throws", { kind: "type" })).rejects.toThrow("Uncaught TypeError");
    await expect(app.query("products:throws", { kind: "string" })).rejects.toThrow("not an error");
  });

  test("a ConvexError carries its data", async () => {
    const error = await app.query("products:throws", { kind: "custom" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConvexError);
    expect((error as ConvexError<Value>).data).toEqual({ kind: "custom", limit: 3 });
  });
});
