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
  expect(await fixture.errorOf("m:returnText", { length: 16 * MIB })).toContain("return value is too large");
  expect(await fixture.errorOf("m:returnText", { length: 1, pad: "x".repeat(16 * MIB) })).toContain(
    "Arguments for m:returnText are too large",
  );
});

test("system fields, system tables, odd names and odd values are refused", async () => {
  expect(await fixture.errorOf("m:insertRaw", { table: "t", value: { _id: "x" } })).toContain(
    "system field `_id`",
  );
  expect(await fixture.errorOf("m:insertRaw", { table: "t", value: { _x: "x" } })).toContain(
    "starts with an underscore",
  );
  expect(await fixture.errorOf("m:insertRaw", { table: "_scheduled_functions", value: {} })).toContain(
    "are read-only",
  );
  expect(await fixture.errorOf("m:insertRaw", { table: "a-b", value: {} })).toContain("Invalid table name");
  expect(await fixture.errorOf("m:insertRaw", { table: "t", value: [] })).toContain(
    "Value must be an Object",
  );
  expect(await fixture.errorOf("m:loneSurrogate")).toMatch(/surrogate/i);
  expect(await fixture.errorOf("m:deep", { depth: 80 })).toContain("too nested");
});
