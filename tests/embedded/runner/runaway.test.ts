/** Loops that nothing in the function ends: the function is ended, its writes are undone, and the engine is as it was. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { deployedCode, EngineFixture, functions } from "../../support/engineFixture.ts";

const timedOut = "Function execution timed out (maximum duration: 1s)";
/** What a function is given on an idle machine; a real engine tries longer on a busy one. */
const functionWallMs = 1_000;

let fixture: EngineFixture;

beforeAll(async () => {
  const code = await deployedCode({
    "": {
      files: {
        "m.ts": functions(`
          const insert = (ctx, text) => ctx.db.insert("t", { text });
          export const texts = query(async (ctx) => (await ctx.db.query("t").collect()).map(({ text }) => text));
          export const add = mutation(async (ctx, { text }) => { await insert(ctx, text); });
          export const spin = mutation(async (ctx) => { await insert(ctx, "inner"); for (;;); });
          export const nested = mutation(async (ctx) => {
            await insert(ctx, "outer");
            try { await ctx.runMutation(anyApi.m.spin); } catch { await insert(ctx, "caught"); } finally { await insert(ctx, "finally"); }
          });
          export const inComponent = mutation(async (ctx) => { await insert(ctx, "outer"); await ctx.runMutation(components.child.c.nested, {}); });
          export const inGetter = mutation(async (ctx) => { await ctx.db.insert("t", { get text() { for (;;); } }); });
          export const inToJSON = mutation(async (ctx) => {
            Convex.syscall("1.0/db/normalizeId", JSON.stringify({ toJSON() { for (;;); } }));
          });
          export const inFinally = mutation(async (ctx) => { try { await insert(ctx, "x"); throw new Error("x"); } finally { for (;;); } });
          export const inMessage = mutation(async (ctx) => { await insert(ctx, "x"); throw { get message() { for (;;); } }; });
          export const inThrownProxy = query(async () => { throw new Proxy({}, { get() { for (;;); } }); });
          export const inForgotten = mutation(async (ctx) => {
            await insert(ctx, "x");
            void Promise.reject({ get message() { for (;;); } });
          });
          export const unreadable = query(async () => { throw { get message() { throw { toString() { throw this; } }; } }; });
          export const inThen = mutation((ctx) => ({ then() { for (;;); } }));
          export const inPattern = query(async () => /^(a+)+$/.test("a".repeat(40) + "b"));
          export const forEver = mutation(async () => { const again = async () => { await null; return again(); }; await again(); });
          export const inSort = query(async () => { [2, 1].sort(() => { for (;;); }); });
          export const later = mutation(async (ctx) => {
            await ctx.scheduler.runAfter(1, anyApi.m.spin, {});
            await ctx.scheduler.runAfter(1, anyApi.m.add, { text: "scheduled" });
          });
          export const states = query(async (ctx) => (await ctx.db.system.query("_scheduled_functions").collect()).map(({ state }) => state.kind).sort());
          export const uncatchable = query(async () => { for (;;) { try { for (;;); } catch {} finally { continue; } } });
        `),
      },
      children: { child: "child" },
    },
    child: {
      files: {
        "c.ts": functions(`
          export const nested = mutation(async (ctx) => { await ctx.db.insert("u", {}); await ctx.runMutation(anyApi.c.spin); });
          export const spin = mutation(async (ctx) => { await ctx.db.insert("u", {}); for (;;); });
          export const count = query(async (ctx) => (await ctx.db.query("u").collect()).length);
        `),
      },
    },
  });
  fixture = await EngineFixture.with(code, { functionWallMs });
});
afterAll(() => fixture.close());

test.each([
  "spin",
  "nested",
  "inComponent",
  "inGetter",
  "inToJSON",
  "inFinally",
  "inMessage",
  "inThrownProxy",
  "inForgotten",
  "inThen",
  "inPattern",
  "forEver",
  "inSort",
  "uncatchable",
])("%s ends, leaves nothing, and the next call is as ever", async (name) => {
  const before = await fixture.query("m:texts");
  expect(await fixture.errorOf(`m:${name}`)).toBe(timedOut);
  expect(await fixture.query("m:texts")).toEqual(before);
  await fixture.mutation("m:add", { text: name });
  expect(await fixture.query("m:texts")).toEqual([...(before as string[]), name]);
  const [counted] = await fixture.engine.runQueries([
    {
      componentPath: "child",
      name: "c:count",
      argsJson: "{}",
      caller: { kind: "admin", impersonating: null },
    },
  ]);
  expect(counted?.result).toMatchObject({ status: "success", valueJson: "0" });
});

test("a scheduled loop fails alone, and other jobs of its time run", async () => {
  fixture.engine.startScheduler();
  await fixture.mutation("m:later");
  await fixture.timers.advance(10);
  await expect.poll(() => fixture.query("m:states")).toEqual(["failed", "success"]);
  expect(await fixture.query("m:texts")).toContain("scheduled");
  expect(await fixture.query("m:texts")).not.toContain("inner");
});

test("an error that cannot be read is an error like others", async () => {
  expect(await fixture.errorOf("m:unreadable")).toBe("Uncaught error that could not be read");
});
