import { afterAll, beforeAll, expect, test } from "vitest";

import type { Commit } from "../../../embedded/protocol/engine.ts";
import { appCode, call, EngineFixture, functions } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

beforeAll(async () => {
  fixture = await EngineFixture.with(
    await appCode({
      "m.ts": functions(`
        export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
        export const jobs = query(async (ctx) =>
          (await ctx.db.system.query("_scheduled_functions").collect()).map((job) => job.args[0].text));
        export const add = mutation(async (ctx, { text }) => await ctx.db.insert("notes", { text }));
        export const addAndThrow = mutation(async (ctx, { text }) => {
          await ctx.db.insert("notes", { text });
          await ctx.db.insert("neverSeen", { text });
          await ctx.scheduler.runAfter(60_000, anyApi.m.add, { text });
          throw new Error("no " + text);
        });
        export const outer = mutation(async (ctx) => {
          await ctx.db.insert("notes", { text: "outer before" });
          let caught;
          try { await ctx.runMutation(anyApi.m.addAndThrow, { text: "inner" }); } catch (error) { caught = error.message; }
          const between = await ctx.runQuery(anyApi.m.texts);
          await ctx.runMutation(anyApi.m.add, { text: "inner kept" });
          await ctx.scheduler.runAfter(60_000, anyApi.m.add, { text: "outer's job" });
          return { caught, between };
        });
        export const parallel = mutation(async (ctx) => {
          const results = await Promise.allSettled([
            ctx.db.insert("notes", { text: "p1" }),
            ctx.runMutation(anyApi.m.addAndThrow, { text: "p2" }),
            ctx.db.insert("notes", { text: "p3" }),
            ctx.runMutation(anyApi.m.add, { text: "p4" }),
          ]);
          return results.map((result) => result.status);
        });
        export const spin = mutation(async (ctx) => { await ctx.db.insert("notes", { text: "spin" }); for (;;); });
        export const outerOfSpin = mutation(async (ctx) => {
          await ctx.db.insert("notes", { text: "around" });
          await ctx.runMutation(anyApi.m.spin, {});
        });
        export const clear = mutation(async (ctx) => {
          for (const note of await ctx.db.query("notes").collect()) await ctx.db.delete(note._id);
        });
        export const many = mutation(async (ctx) => {
          for (let n = 0; n < 50; n++) await ctx.db.insert("notes", { text: "t" + n });
          return (await ctx.db.query("notes").order("desc").collect()).map((note) => note.text);
        });
        export const readWhileWriting = mutation(async (ctx) => {
          const seen = [];
          for await (const note of ctx.db.query("notes")) {
            seen.push(note.text);
            if (seen.length === 1) await ctx.db.insert("notes", { text: "added" });
          }
          return seen;
        });
        export const times = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note._creationTime));
      `),
    }),
    { functionWallMs: 2000 },
  );
});
afterAll(() => fixture.close());

test("a mutation that throws leaves nothing, not even its table or its scheduled calls", async () => {
  expect(await fixture.errorOf("m:addAndThrow", { text: "x" })).toContain("Uncaught Error: no x");
  expect(await fixture.query("m:texts")).toEqual([]);
  expect(await fixture.query("m:jobs")).toEqual([]);
  expect(fixture.engine.listTables("").map(({ name }) => name)).not.toContain("neverSeen");
});

test("a subtransaction that throws is undone alone, with its scheduled calls", async () => {
  const result = (await fixture.mutation("m:outer")) as { caught: string; between: string[] };
  expect(result.caught).toContain("Uncaught Error: no inner");
  expect(result.between).toEqual(["outer before"]);
  expect(await fixture.query("m:texts")).toEqual(["outer before", "inner kept"]);
  expect(await fixture.query("m:jobs")).toEqual(["outer's job"]);
  await fixture.mutation("m:clear");
});

test("what a function does beside a failing subtransaction is kept", async () => {
  expect(await fixture.mutation("m:parallel")).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(await fixture.query("m:texts")).toEqual(["p1", "p3", "p4"]);
  await fixture.mutation("m:clear");
});

test("a busy loop ends, also in a subtransaction, and the engine goes on", async () => {
  expect(await fixture.errorOf("m:outerOfSpin")).toContain(
    "Function execution timed out (maximum duration: 1s)",
  );
  expect(await fixture.query("m:texts")).toEqual([]);
  await fixture.mutation("m:add", { text: "after" });
  expect(await fixture.query("m:texts")).toEqual(["after"]);
  await fixture.mutation("m:clear");
});

test("documents come in the order of their insertion, and creation times grow strictly", async () => {
  const newestFirst = (await fixture.mutation("m:many")) as string[];
  expect(newestFirst).toEqual(Array.from({ length: 50 }, (_, n) => `t${49 - n}`));
  const times = (await fixture.query("m:times")) as number[];
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  await fixture.mutation("m:clear");
});

test("a query running in a mutation sees what the mutation writes meanwhile", async () => {
  await fixture.mutation("m:add", { text: "first" });
  await fixture.mutation("m:add", { text: "second" });
  expect(await fixture.mutation("m:readWhileWriting")).toEqual(["first", "second", "added"]);
  await fixture.mutation("m:clear");
});

test("listeners hear of every commit in order, also of those that listeners make", async () => {
  const heard: [string, bigint][] = [];
  const fromListener: Promise<unknown>[] = [];
  const { engine } = fixture;
  const stops = [
    engine.onCommit(({ ts }: Commit) => {
      heard.push(["first", ts]);
      if (fromListener.length === 0)
        fromListener.push(engine.runMutation(call("m:add", { text: "from the listener" })));
    }),
    engine.onCommit(({ ts }: Commit) => heard.push(["second", ts])),
  ];
  const { ts } = await engine.runMutation(call("m:add", { text: "x" }));
  await Promise.all(fromListener);
  for (const stop of stops) stop();
  const last = engine.latestTs();
  expect(heard).toEqual([
    ["first", ts],
    ["second", ts],
    ["first", last],
    ["second", last],
  ]);
  expect(last).toBeGreaterThan(ts);
});

test("a mutation that writes nothing makes no commit", async () => {
  await fixture.mutation("m:clear");
  const before = fixture.engine.latestTs();
  const { ts } = await fixture.engine.runMutation(call("m:clear"));
  expect(ts).toBe(before);
});
