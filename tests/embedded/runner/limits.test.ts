import { afterAll, beforeAll, expect, test } from "vitest";

import { TRANSACTION_LIMITS } from "../../../embedded/transaction/transactionUsage.ts";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";

const MIB = 1024 * 1024;

let fixture: EngineFixture;

beforeAll(async () => {
  fixture = await EngineFixture.with(
    await appCode({
      "m.ts": functions(`
        export const insertText = mutation(async (ctx, { length }) => { await ctx.db.insert("big", { text: "x".repeat(length) }); });
        export const insertMany = mutation(async (ctx, { count, caught = false }) => {
          try { for (let n = 0; n < count; n++) await ctx.db.insert("many", { n }); } catch (error) { if (!caught) throw error; }
        });
        export const readAll = query(async (ctx, { table }) => (await ctx.db.query(table).collect()).length);
        export const scheduleMany = mutation(async (ctx, { count }) => {
          for (let n = 0; n < count; n++) await ctx.scheduler.runAfter(60_000, anyApi.m.insertMany, { count: 0 });
        });
        export const returnText = query(async (ctx, { length }) => "x".repeat(length));
        export const lowered = mutation(async (ctx) =>
          await ctx.runQuery(anyApi.m.readAll, { table: "many" }, { transactionLimits: { documentsRead: 10 } }));
        export const slow = query(async (ctx) => {
          try { for (;;) { for (let n = 0; n < 1e7; n++) Math.sqrt(n); await ctx.db.query("t").first(); } } catch { return "caught"; }
        });
        export const echo = query(async (ctx, args) => args);
        export const parsed = query(async (ctx, { json }) => JSON.parse(json));
        export const page = query(async (ctx, { table, options, before = 0 }) => {
          await ctx.db.query("many").take(before);
          const { page, ...rest } = await ctx.db.query(table).paginate(options);
          return { ...rest, length: page.length };
        });
        export const insertRaw = mutation(async (ctx, { table, value }) => await ctx.db.insert(table, value));
        export const loneSurrogate = mutation(async (ctx) => await ctx.db.insert("big", { text: "a\\ud800" }));
        export const deep = mutation(async (ctx, { depth }) => {
          let value = 0;
          for (let n = 0; n < depth; n++) value = [value];
          await ctx.db.insert("big", { value });
        });
      `),
    }),
    // The limits that take long to reach are lowered; that they are Convex's is a test of its own.
    { transaction: { ...TRANSACTION_LIMITS, documentsWritten: 100, documentsRead: 250, bytesRead: 3 * MIB } },
  );
});
afterAll(() => fixture.close());

test("a document is at most 1 MiB", async () => {
  await fixture.mutation("m:insertText", { length: MIB - 200 });
  expect(await fixture.errorOf("m:insertText", { length: MIB })).toContain(
    "Value is too large (1.00 MiB > maximum size 1 MiB)",
  );
});

test("the limits of a transaction are Convex's", () => {
  expect(TRANSACTION_LIMITS).toMatchObject({
    bytesRead: 16 * MIB,
    bytesWritten: 16 * MIB,
    documentsRead: 32_000,
    documentsWritten: 16_000,
    functionsScheduled: 1000,
  });
});

test("a transaction that writes too much is undone, also when it catches the error", async () => {
  const sentence = "Too many writes in a single function execution (limit: 100)";
  expect(await fixture.errorOf("m:insertMany", { count: 101, caught: true })).toContain(sentence);
  expect(await fixture.query("m:readAll", { table: "many" })).toBe(0);
});

test("a transaction that reads too many bytes or documents ends", async () => {
  for (let n = 0; n < 3; n++) await fixture.mutation("m:insertText", { length: MIB - 200 });
  expect(await fixture.errorOf("m:readAll", { table: "big" })).toContain("Too many bytes read");
  for (let n = 0; n < 3; n++) await fixture.mutation("m:insertMany", { count: 90 });
  expect(await fixture.errorOf("m:readAll", { table: "many" })).toContain(
    "Too many documents read in a single function execution (limit: 250)",
  );
});

test("a nested call can be held to less", async () => {
  expect(await fixture.errorOf("m:lowered")).toContain("Too many documents read");
});

test("a mutation schedules at most 1,000 functions", async () => {
  expect(await fixture.errorOf("m:scheduleMany", { count: 1001 })).toContain(
    "Too many functions scheduled by this mutation (limit: 1000)",
  );
});

test("a function has one second of time in its own code, also when it catches the error", async () => {
  expect(await fixture.errorOf("m:slow")).toContain("Function execution timed out (maximum duration: 1s)");
});

test("results and arguments are at most 16 MiB", async () => {
  expect(await fixture.errorOf("m:returnText", { length: 16 * MIB })).toContain(
    "Function m:returnText return value is too large (actual: 16.00 MiB, limit: 16 MiB)",
  );
  expect(await fixture.errorOf("m:returnText", { length: 1, pad: "x".repeat(16 * MIB) })).toContain(
    "Arguments for m:returnText are too large",
  );
});

const insertRaw = (table: string, value: unknown): Promise<string> =>
  fixture.errorOf("m:insertRaw", { table, value });

test.each([
  ["t", { _id: "x" }, `doesn't match '_id' field "x"`],
  ["t", { _creationTime: 1 }, "doesn't match '_creationTime' field in {_creationTime: 1.0}"],
  [
    "t",
    { _x: "x" },
    "Field '_x' starts with an underscore, which is only allowed for system fields like '_id'",
  ],
  ["_scheduled_functions", {}, "System tables (prefixed with `_`) are read-only."],
  [
    "a-b",
    {},
    "Invalid argument `table` for `db.insert`: Identifier a-b has invalid character '-': Identifiers can only contain alphanumeric characters or underscores",
  ],
  [
    "1a",
    {},
    "Invalid first character '1' in 1a: Identifiers must start with an alphabetic character or underscore",
  ],
  ["", {}, "Identifier cannot be empty"],
  ["a".repeat(65), {}, "Identifier is too long (65 > maximum 64)"],
  ["t", [], "Invalid argument `value` for `db.insert`: Value must be an Object"],
])("an insert into %j of %j is refused in Convex's words", async (table, value, sentence) => {
  expect(await insertRaw(table, value)).toContain(sentence);
});

test("a document is nested at most 16 deep", async () => {
  await fixture.mutation("m:deep", { depth: 15 });
  expect(await fixture.errorOf("m:deep", { depth: 16 })).toContain(
    "Document is too nested (nested 17 levels deep > maximum nesting 16)",
  );
  expect(await fixture.errorOf("m:loneSurrogate")).toContain("surrogate");
});

const fields = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]));
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

test.each([
  [
    "many array items",
    { list: Array.from({ length: 8193 }, () => 0) },
    "Array length is too long (8193 > maximum length 8192)",
  ],
  ["many fields", { object: fields(1025) }, "Object has too many fields (1025 > maximum number 1024)"],
  ["deep nesting", { deep: nested(64) }, "Value is too nested (nested 65 levels deep > maximum nesting 64)"],
])("%s are refused in arguments and results", async (_what, value, sentence) => {
  expect(await fixture.errorOf("m:echo", value)).toBe(`Invalid arguments for m:echo: ${sentence}`);
  expect(await fixture.errorOf("m:parsed", { json: JSON.stringify(value) })).toContain(
    `Function m:parsed return value invalid: ${sentence}`,
  );
});

test("field names are ASCII, of at most 1,024 characters", async () => {
  expect(await fixture.errorOf("m:echo", { object: { naïve: 1 } })).toContain(
    "Field name naïve has invalid character 'ï': Field names can only contain non-control ASCII characters",
  );
  expect(await fixture.errorOf("m:echo", { object: { ["n".repeat(1025)]: 1 } })).toContain(
    "exceeds maximum field name length 1024",
  );
});

test("what is just within the limits passes", async () => {
  const value = {
    list: Array.from({ length: 8192 }, () => 0),
    object: fields(1024),
    // The arguments object is a level of its own.
    deep: nested(63),
    "a field name, with spaces ~": { "": null },
  };
  expect(await fixture.query("m:echo", value)).toEqual(value);
});

test("a page ends where the function may read no more, and says that it must be split", async () => {
  const page = (cursor: string | null): Promise<unknown> =>
    fixture.query("m:page", { table: "many", options: { numItems: 250, cursor } });
  const first = (await page(null)) as { length: number; pageStatus: string; continueCursor: string };
  expect(first).toMatchObject({ length: 250, pageStatus: "SplitRecommended" });
  const afterOther = await fixture.query("m:page", {
    table: "many",
    before: 100,
    options: { numItems: 200, cursor: null },
  });
  expect(afterOther).toMatchObject({ length: 150, isDone: false, pageStatus: "SplitRequired" });
  expect(
    await fixture.query("m:page", { table: "big", options: { numItems: 100, cursor: null } }),
  ).toMatchObject({
    isDone: false,
    pageStatus: "SplitRequired",
  });
});
