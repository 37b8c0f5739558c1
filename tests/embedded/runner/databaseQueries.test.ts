import { afterAll, beforeAll, expect, test } from "vitest";

import { appCode, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

beforeAll(async () => {
  fixture = await EngineFixture.with(
    await appCode({
      "schema.ts": schema(
        `items: defineTable(v.any()).index("by_kind", ["kind", "size.width"]),
         sorted: defineTable(v.any()).index("by_kind", ["kind"])`,
        "{ schemaValidation: false }",
      ),
      "m.ts": functions(`
        export const fill = mutation(async (ctx) => {
          for (const [kind, width, extra] of [["a", 3, 1n], ["a", 1, null], ["b", 2, undefined], ["a", 2, [1]], [undefined, 9, { x: 1 }]])
            await ctx.db.insert("items", { kind, size: { width }, extra });
        });
        const widths = async (cursor) => (await cursor.collect()).map((item) => item.size.width);
        const ranges = {
          all: (q) => q,
          a: (q) => q.eq("kind", "a"),
          missing: (q) => q.eq("kind", undefined),
          aFrom2: (q) => q.eq("kind", "a").gte("size.width", 2),
          aAbove2: (q) => q.eq("kind", "a").gt("size.width", 2),
          aTo2: (q) => q.eq("kind", "a").lte("size.width", 2),
          aBelow2: (q) => q.eq("kind", "a").lt("size.width", 2),
          fromAToB: (q) => q.gt("kind", "a").lte("kind", "b"),
          twoFields: (q) => q.eq("kind", "a").eq("size.width", 2),
          withTime: (q) => q.eq("kind", "a").eq("size.width", 2).gt("_creationTime", 0),
          wrongOrder: (q) => q.eq("size.width", 2),
          twoLower: (q) => q.gt("kind", "a").gt("kind", "b"),
          anyOrder: (q) => q.eq("size.width", 2).eq("kind", "a"),
          boundFirst: (q) => q.gt("size.width", 1).eq("kind", "a").lte("size.width", 2),
          aboveUndefined: (q) => q.gt("kind", undefined),
          toUndefined: (q) => q.lte("kind", undefined),
          twoUpper: (q) => q.lt("kind", "a").lte("kind", undefined),
          twoEqual: (q) => q.eq("kind", "a").eq("kind", "b"),
          equalAndLower: (q) => q.eq("kind", "a").gt("kind", "b"),
          twoBounded: (q) => q.gt("kind", "a").lt("size.width", 3),
          foreign: (q) => q.eq("extra", 1),
          afterBound: (q) => q.gt("kind", "a").eq("size.width", 1),
          empty: (q) => q.gt("kind", "b").lt("kind", "a"),
        };
        export const range = query(async (ctx, { range, order = "asc" }) =>
          await widths(ctx.db.query("items").withIndex("by_kind", ranges[range]).order(order)));
        const filters = {
          eq: (q) => q.eq(q.field("kind"), "a"),
          neq: (q) => q.neq(q.field("kind"), "a"),
          missing: (q) => q.eq(q.field("kind"), undefined),
          nested: (q) => q.gt(q.field("size.width"), 2),
          gte: (q) => q.gte(q.field("size.width"), 2),
          lt: (q) => q.lt(q.field("size.width"), 2),
          lte: (q) => q.lte(q.field("size.width"), 2),
          and: (q) => q.and(q.eq(q.field("kind"), "a"), q.not(q.eq(q.field("size.width"), 1))),
          or: (q) => q.or(q.eq(q.field("kind"), "b"), q.eq(q.field("size.width"), 1)),
          arithmetic: (q) => q.eq(q.mod(q.add(q.mul(q.field("size.width"), 2), q.sub(q.div(4, 2), q.neg(1))), 5), 4),
          bigint: (q) => q.eq(q.field("extra"), 1n),
          array: (q) => q.eq(q.field("extra"), [1]),
          object: (q) => q.eq(q.field("extra"), { x: 1 }),
          missingOperand: (q) => q.gt(q.sub(q.field("nothing"), 1), 0),
          noBoolean: (q) => q.field("size.width"),
          notOfNull: (q) => q.not(null),
          negatedText: (q) => q.eq(q.neg("a"), 1),
          byZero: (q) => q.eq(q.div(1n, 0n), 1n),
          overflow: (q) => q.eq(q.mul(9223372036854775807n, 2n), 1n),
          mixed: (q) => q.add(q.field("size.width"), "x"),
        };
        export const filtered = query(async (ctx, { filter }) =>
          await widths(ctx.db.query("items").filter(filters[filter])));
        export const filterThenTake = query(async (ctx) =>
          (await ctx.db.query("items").filter(filters.eq).take(2)).map((item) => item.size.width));
        export const first = query(async (ctx) => (await ctx.db.query("items").order("desc").first())?.size.width);
        export const unique = query(async (ctx, { range }) =>
          (await ctx.db.query("items").withIndex("by_kind", ranges[range]).unique())?.size.width ?? null);
        export const iterated = query(async (ctx) => {
          const seen = [];
          for await (const item of ctx.db.query("items")) { seen.push(item.size.width); if (seen.length === 2) break; }
          return seen;
        });
        export const byId = query(async (ctx) => {
          const ids = (await ctx.db.query("items").withIndex("by_id").collect()).map((item) => item._id);
          const one = await ctx.db.query("items").withIndex("by_id", (q) => q.eq("_id", ids[2])).unique();
          return { sorted: JSON.stringify(ids) === JSON.stringify(ids.toSorted()), found: one._id === ids[2], count: ids.length };
        });
        export const taken = query(async (ctx, { count }) =>
          (await ctx.db.query("items").take(count)).map((item) => item.size.width));
        export const sortAll = mutation(async (ctx) => {
          const values = { "{a}": { a: 1 }, "bytes 1,2": new Uint8Array([1, 2]).buffer, NaN: NaN, "'é'": "é", true: true, "-0": -0, "[1]": [1],
            "null": null, "5n": 5n, "'a'": "a", "0": 0, Infinity: Infinity, "{}": {}, "undefined": undefined, "-1n": -1n, "false": false,
            "1.5": 1.5, "-Infinity": -Infinity, "[]": [], "bytes 1": new Uint8Array([1]).buffer, "-1": -1, "''": "" };
          for (const [name, kind] of Object.entries(values)) await ctx.db.insert("sorted", { name, kind });
          const names = async (query) => (await query.collect()).map(({ name }) => name);
          const all = await names(ctx.db.query("sorted").withIndex("by_kind"));
          for (const [position, name] of all.entries()) {
            const at = await names(ctx.db.query("sorted").withIndex("by_kind", (q) => q.eq("kind", values[name])));
            const below = await names(ctx.db.query("sorted").withIndex("by_kind", (q) => q.lt("kind", values[name])));
            const filtered = await names(ctx.db.query("sorted").filter((q) => q.gt(q.field("kind"), values[name])));
            if (at.join() !== name || below.length !== position || filtered.length !== all.length - position - 1) throw new Error(name);
          }
          return all;
        });
        export const count = query(async (ctx) => await ctx.db.query("items").count());
        export const noIndex = query(async (ctx) => await ctx.db.query("items").withIndex("by_nothing").collect());
        export const normalize = query(async (ctx) => {
          const { _id } = await ctx.db.query("items").first();
          return [ctx.db.normalizeId("items", _id) === _id, ctx.db.normalizeId("other", _id), ctx.db.normalizeId("items", "x")];
        });
      `),
    }),
  );
  await fixture.mutation("m:fill");
});
afterAll(() => fixture.close());

test.each([
  ["all", [9, 1, 2, 3, 2]],
  ["a", [1, 2, 3]],
  ["missing", [9]],
  ["aFrom2", [2, 3]],
  ["aAbove2", [3]],
  ["aTo2", [1, 2]],
  ["aBelow2", [1]],
  ["fromAToB", [2]],
  ["twoFields", [2]],
  ["withTime", [2]],
  ["empty", []],
  ["anyOrder", [2]],
  ["boundFirst", [2]],
  ["aboveUndefined", [1, 2, 3, 2]],
  ["toUndefined", [9]],
])("the index range %s gives its documents in index order, and reversed", async (range, widths) => {
  expect(await fixture.query("m:range", { range })).toEqual(widths);
  expect(await fixture.query("m:range", { range, order: "desc" })).toEqual(widths.toReversed());
});

const OUT_OF_ORDER =
  "Tried to query index items.by_kind but the query didn't use the index fields in order.\n" +
  'Index fields: ["kind", "size.width", "_creationTime"]\n';

test.each([
  ["wrongOrder", `${OUT_OF_ORDER}Query fields: ["size.width"]\nFirst incorrect field: "size.width"\n`],
  [
    "afterBound",
    `${OUT_OF_ORDER}Query fields: ["size.width", "kind"]\nFirst incorrect field: "size.width"\n`,
  ],
  ["twoLower", `Already defined lower bound in index range. Can't add "kind" > "b".`],
  ["twoUpper", `Already defined upper bound in index range. Can't add "kind" <= undefined.`],
  ["twoEqual", `Already defined equality bound in index range. Can't add "kind" == "a".`],
  ["equalAndLower", `Already defined inequality bound in index range. Can't add "kind" == "a".`],
  [
    "twoBounded",
    "Upper and lower bounds in `range` can only be applied to a single index field. This query against index " +
      'items.by_kind attempted to set a range bound on both "kind" and "size.width". Consider using `filter` instead.',
  ],
  [
    "foreign",
    'The index range included a comparison with "extra", but items.by_kind with fields ["kind", "size.width", ' +
      `"_creationTime"] doesn't index this field.`,
  ],
])("the range %s does not fit the index, in Convex's words", async (range, sentence) => {
  expect(await fixture.errorOf("m:range", { range })).toContain(sentence);
});

test.each([
  ["eq", [3, 1, 2]],
  ["neq", [2, 9]],
  ["missing", [9]],
  ["nested", [3, 9]],
  ["gte", [3, 2, 2, 9]],
  ["lt", [1]],
  ["lte", [1, 2, 2]],
  ["and", [3, 2]],
  ["or", [1, 2]],
  ["arithmetic", [3]],
  ["bigint", [3]],
  ["array", [2]],
  ["object", [9]],
])("the filter %s lets its documents through", async (filter, widths) => {
  expect(await fixture.query("m:filtered", { filter })).toEqual(widths);
});

test.each([
  ["mixed", 'Cannot add 3.0 (type Float64) and "x" (type String)'],
  ["missingOperand", "Cannot subtract undefined (type undefined) and 1.0 (type Float64)"],
  ["noBoolean", "Cannot use value 3.0 (type Float64) as a Boolean"],
  ["notOfNull", "Cannot use value null (type Null) as a Boolean"],
  ["negatedText", 'Cannot negate "a" (type String)'],
  ["byZero", "Cannot divide 1 by zero"],
  ["overflow", "Cannot multiply 9223372036854775807 and 2: the result is out of range for Int64"],
])("the filter %s is an error in Convex's words", async (filter, sentence) => {
  expect(await fixture.errorOf("m:filtered", { filter })).toContain(sentence);
});

test("a limit counts what the filter before it lets through", async () => {
  expect(await fixture.query("m:filterThenTake")).toEqual([3, 1]);
});

test("first, unique and iteration end early", async () => {
  expect(await fixture.query("m:first")).toBe(9);
  expect(await fixture.query("m:unique", { range: "missing" })).toBe(9);
  expect(await fixture.query("m:unique", { range: "empty" })).toBeNull();
  expect(await fixture.errorOf("m:unique", { range: "a" })).toContain(
    "unique() query returned more than one result",
  );
  expect(await fixture.query("m:iterated")).toEqual([3, 1]);
});

test("by_id is an index like any other", async () => {
  expect(await fixture.query("m:byId")).toEqual({ sorted: true, found: true, count: 5 });
});

test("count, normalizeId and a missing index", async () => {
  expect(await fixture.query("m:count")).toBe(5);
  expect(await fixture.query("m:normalize")).toEqual([true, null, null]);
  expect(await fixture.errorOf("m:noIndex")).toContain("Index items.by_nothing not found.");
});

test.each([
  [0, []],
  [2, [3, 1]],
  [1e9, [3, 1, 2, 2, 9]],
])("take(%d) gives so many documents, or all there are", async (count, widths) => {
  expect(await fixture.query("m:taken", { count })).toEqual(widths);
});

test.each([-1, 1.5])("take(%d) is refused", async (count) => {
  expect(await fixture.errorOf("m:taken", { count })).toContain("must be a non-negative integer");
});

test("values of all types are in Convex's order in an index, and a missing field comes before null", async () => {
  expect(await fixture.mutation("m:sortAll")).toEqual([
    "undefined",
    "null",
    "-1n",
    "5n",
    "-Infinity",
    "-1",
    "-0",
    "0",
    "1.5",
    "Infinity",
    "NaN",
    "false",
    "true",
    "''",
    "'a'",
    "'é'",
    "bytes 1",
    "bytes 1,2",
    "[]",
    "[1]",
    "{}",
    "{a}",
  ]);
});
