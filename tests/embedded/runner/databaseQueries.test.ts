import { afterAll, beforeAll, expect, test } from "vitest";

import { appCode, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

beforeAll(async () => {
  fixture = await EngineFixture.with(
    await appCode({
      "schema.ts": schema(
        `items: defineTable(v.any()).index("by_kind", ["kind", "size.width"])`,
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
])("the index range %s gives its documents in index order, and reversed", async (range, widths) => {
  expect(await fixture.query("m:range", { range })).toEqual(widths);
  expect(await fixture.query("m:range", { range, order: "desc" })).toEqual(widths.toReversed());
});

test.each(["wrongOrder", "twoLower", "afterBound"])(
  "the range %s, against the order of the index, is refused",
  async (range) => {
    expect(await fixture.errorOf("m:range", { range })).toContain(
      "Index fields must be queried in the same order",
    );
  },
);

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

test("arithmetic on unlike values is an error", async () => {
  expect(await fixture.errorOf("m:filtered", { filter: "mixed" })).toContain(
    "Cannot calculate number + string",
  );
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
