/** Reading by index: every bound, both orders, `first`, `unique`, `take`, nested fields, and `.filter()`. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;
let bag: string;

beforeAll(async () => {
  app = await openApp("documents");
  bag = freshName("ranges");
  const people = [
    { name: "none" },
    { name: "one", age: 1, address: { city: "Rome" } },
    { name: "two", age: 2, address: { city: "Oslo" } },
    { name: "two again", age: 2, address: { city: "Rome" } },
    { name: "three", age: 3 },
  ];
  await app.mutation("documents:addAll", { people: people.map((person) => ({ bag, ...person })) });
  // Neighbours on both sides that no range of the bag may reach.
  await app.mutation("documents:add", { bag: `${bag}a`, name: "neighbour", age: 2 });
  await app.mutation("documents:add", { bag: bag.slice(0, -1), name: "neighbour", age: 2 });
});
afterAll(() => app.close());

describe("bounds", () => {
  test.each<[string, object, string[]]>([
    ["all", {}, ["none", "one", "two", "two again", "three"]],
    ["eq", { lower: { op: "eq", value: 2 } }, ["two", "two again"]],
    ["gt", { lower: { op: "gt", value: 1 } }, ["two", "two again", "three"]],
    ["gte", { lower: { op: "gte", value: 2 } }, ["two", "two again", "three"]],
    ["lt", { upper: { op: "lt", value: 2 } }, ["none", "one"]],
    ["lte", { upper: { op: "lte", value: 2 } }, ["none", "one", "two", "two again"]],
    ["both", { lower: { op: "gt", value: 1 }, upper: { op: "lt", value: 3 } }, ["two", "two again"]],
    ["an empty range", { lower: { op: "gt", value: 3 }, upper: { op: "lt", value: 1 } }, []],
    ["another kind of value", { lower: { op: "gt", value: "2" } }, []],
  ])("%s", async (_what, bounds, names) => {
    expect(await app.query("ranges:byAge", { bag, ...bounds })).toEqual(names);
    expect(await app.query("ranges:byAge", { bag, ...bounds, order: "desc" })).toEqual(names.toReversed());
  });

  test("a missing field is the smallest of all values, and `eq(undefined)` finds it", async () => {
    expect(await app.query("ranges:withoutAge", { bag })).toEqual(["none"]);
  });

  test("`gt(undefined)` excludes documents without the field", async () => {
    const lower = { op: "gt" };
    expect(await app.query("ranges:byAge", { bag, lower })).toEqual(["one", "two", "two again", "three"]);
  });

  test("a range over the second field follows the fields fixed before it", async () => {
    expect(await app.query("ranges:aged", { bag, age: 2 })).toEqual(["two", "two again"]);
    expect(await app.query("ranges:aged", { bag, age: 2, from: "two" })).toEqual(["two again"]);
  });

  test("an index over a field inside an object", async () => {
    expect(await app.query("ranges:inCity", { bag, city: "Rome" })).toEqual(["one", "two again"]);
  });

  test("every index ends with the time of creation", async () => {
    const bag = freshName("creation");
    const people = ["a", "b", "c"].map((name) => ({ bag, name }));
    const [, middle] = await app.mutation<string[]>("documents:addAll", { people });
    expect(await app.query("ranges:createdAfter", { bag, id: middle! })).toEqual(["c"]);
  });
});

describe("how much is read", () => {
  test("take gives at most so many", async () => {
    expect(await app.query("ranges:byAge", { bag, take: 2 })).toEqual(["none", "one"]);
    expect(await app.query("ranges:byAge", { bag, take: 0 })).toEqual([]);
    expect(await app.query("ranges:byAge", { bag, take: 100 })).toHaveLength(5);
  });

  test("first is null when there is nothing", async () => {
    expect(await app.query("ranges:first", { bag })).toBe("none");
    expect(await app.query("ranges:first", { bag: freshName("nobody") })).toBeNull();
  });

  test("unique refuses a second document and names both", async () => {
    const alone = freshName("alone");
    await app.mutation("documents:add", { bag: alone, name: "only" });
    expect(await app.query("ranges:unique", { bag: alone })).toBe("only");
    expect(await app.query("ranges:unique", { bag: freshName("nobody") })).toBeNull();
    await expect(app.query("ranges:unique", { bag })).rejects.toThrow(
      "unique() query returned more than one result",
    );
  });

  test("without an index a table is read in the order of creation", async () => {
    const name = freshName("newest");
    await app.mutation("documents:add", { bag: "newest", name });
    expect(await app.query("ranges:newestOfTable")).toBe(name);
  });
});

test.each([
  ["missingIndex", /Index people\.by_nothing not found/],
  ["skippedField", /The first field in an index range must be the first|must be .*bag|index/i],
  ["fieldNotInIndex", /color|index/i],
  ["systemTable", /System tables can only be accessed from db\.system\./],
  ["twoBounds", /is not a function|bound/i],
])("%s is an error that names what is wrong", async (kind, message) => {
  await expect(app.query("ranges:misuse", { kind })).rejects.toThrow(message);
});

test("a table that nobody ever wrote to is empty", async () => {
  expect(await app.query("ranges:misuse", { kind: "missingTable" })).toEqual([]);
});

describe("filters", () => {
  test.each<[string, unknown, string[]]>([
    ["eq", 2, ["two", "two again"]],
    ["neq", 2, ["none", "one", "three"]],
    ["lt", 2, ["none", "one"]],
    ["lte", 2, ["none", "one", "two", "two again"]],
    ["gt", 2, ["three"]],
    ["gte", 2, ["two", "two again", "three"]],
    ["and", 3, ["two", "two again"]],
    ["or", 3, ["one", "three"]],
    ["not", 2, ["none", "one", "three"]],
    ["missing", null, ["none"]],
    ["nested", "Rome", ["one", "two again"]],
  ])("%s", async (operator, value, names) => {
    expect(await app.query("filters:byOperator", { bag, operator, value: value as never })).toEqual(names);
  });

  test.each<[string, number, string[]]>([
    ["addIs", 4, ["three"]],
    ["subIs", 0, ["one"]],
    ["mulIs", 6, ["three"]],
    ["divIs", 0.5, ["one"]],
    ["modIs", 0, ["two", "two again"]],
    ["negIs", -3, ["three"]],
  ])("%s computes with numbers", async (operator, value, names) => {
    const aged = freshName("aged");
    const people = [
      { name: "one", age: 1 },
      { name: "two", age: 2 },
      { name: "two again", age: 2 },
      { name: "three", age: 3 },
    ];
    await app.mutation("documents:addAll", { people: people.map((person) => ({ bag: aged, ...person })) });
    expect(await app.query("filters:byOperator", { bag: aged, operator, value })).toEqual(names);
  });

  test("two filters must both hold", async () => {
    expect(await app.query("filters:twoFilters", { bag })).toEqual(["two", "two again"]);
  });
});
