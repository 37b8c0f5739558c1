import { afterEach, beforeEach, expect, test } from "vitest";

import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";

let code: Promise<DeployedCode> | undefined;
let fixture: EngineFixture;

const APP = {
  "m.ts": functions(`
    export const add = mutation(async (ctx, { text }) => { await ctx.db.insert("notes", { text }); });
    export const typed = internalMutation({ args: { text: v.string() }, handler: async () => {} });
    export const later = mutation(async (ctx, { ms, name = "add", args = {} }) => await ctx.scheduler.runAfter(ms, anyApi.m[name], args));
    export const atNumber = mutation(async (ctx, { ms, args }) => await ctx.scheduler.runAt(ms, anyApi.m.add, args));
    export const cancelsItself = internalMutation(async (ctx) => {
      const [job] = await ctx.db.system.query("_scheduled_functions").collect();
      await ctx.db.insert("notes", { text: job.state.kind });
      await ctx.scheduler.cancel(job._id);
    });
    export const many = mutation(async (ctx, { count }) => {
      for (let n = 0; n < count; n++) await ctx.scheduler.runAfter(1000, anyApi.m.add, {});
    });
    export const large = mutation(async (ctx, { parts, bytes }) => {
      for (let n = 0; n < parts; n++) await ctx.scheduler.runAfter(0, anyApi.m.length, { text: "x".repeat(bytes) });
    });
    export const length = internalMutation(async (ctx, { text }) => { await ctx.db.insert("notes", { text: text.length }); });
    export const elsewhere = mutation(async (ctx, { path }) => {
      let target = anyApi;
      for (const name of path) target = target[name];
      return await ctx.scheduler.runAfter(0, target, {});
    });
    export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
    export const job = query(async (ctx, { id }) => await ctx.db.system.get(id));
    export const states = query(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).map((job) => job.state.kind));
  `),
};

beforeEach(async () => {
  fixture = await EngineFixture.with(await (code ??= appCode(APP)));
  fixture.engine.startScheduler();
});
afterEach(() => fixture.close());

test("a mutation sees itself in progress; to cancel itself has no effect, and is told", async () => {
  const id = await fixture.mutation("m:later", { ms: 0, name: "cancelsItself" });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:job", { id })).toMatchObject({ state: { kind: "success" } });
  expect(await fixture.query("m:texts")).toEqual(["inProgress"]);
  const { entries } = await fixture.engine.completionsAfter(0, 0);
  expect(entries.flatMap(({ logLines }) => logLines)).toEqual([
    "[WARN] A scheduled mutation canceling itself is deprecated and will throw an error in a future version of Convex.",
  ]);
});

test("with a client from 1.50 on, a mutation cannot cancel itself", async () => {
  await fixture.engine.installCode({ ...(await appCode(APP, 2)), udfServerVersion: "1.50.0" });
  const id = await fixture.mutation("m:later", { ms: 0, name: "cancelsItself" });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:job", { id })).toMatchObject({
    state: { kind: "failed", error: expect.stringContaining("A mutation cannot cancel itself") },
  });
});

test.each([
  ["a query", "texts", {}, /^Unsupported function type\. "texts" in module "m\.js" is defined as a Query\./],
  ["wrong arguments", "typed", { text: 1 }, /^ArgumentValidationError: /],
])("%s can be scheduled, and fails when it is due", async (_what, name, args, error) => {
  const id = await fixture.mutation("m:later", { ms: 0, name, args });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:job", { id })).toMatchObject({
    state: { kind: "failed", error: expect.stringMatching(error) },
    completedTime: fixture.timers.nowMs(),
  });
});

test.each([
  [["gone", "f"], "Attempted to schedule function at nonexistent path: gone.js"],
  [
    ["m", "gone"],
    "Attempted to schedule function, but no exported function gone found in the file: m.js. Did you forget to export it?",
  ],
])("a function that does not exist cannot be scheduled: %s", async (path, message) => {
  expect(await fixture.errorOf("m:elsewhere", { path })).toContain(message);
});

const fiveYearsMs = 5 * 366 * 24 * 3600 * 1000;

test.each([
  [
    (now: number) => now + fiveYearsMs + 500,
    "UnixTimestamp(1925424000.5s) is more than 5 years in the future",
  ],
  [(now: number) => now - fiveYearsMs - 1000, "UnixTimestamp(1609199999s) is more than 5 years in the past"],
  [() => -1, "cannot convert float seconds to Duration: value is negative"],
  [() => null, "The invoke time must a Date or a timestamp"],
])("a time that is too far away, or none, is refused", async (ms, message) => {
  expect(await fixture.errorOf("m:atNumber", { ms: ms(fixture.timers.nowMs()), args: {} })).toContain(
    message,
  );
});

test("a mutation schedules at most 1,000 calls", async () => {
  await fixture.mutation("m:many", { count: 1000 });
  expect(await fixture.errorOf("m:many", { count: 1001 })).toContain(
    "Too many functions scheduled by this mutation (limit: 1000)",
  );
  expect(await fixture.query("m:states")).toHaveLength(1000);
});

test("arguments may be larger than a document, and 16 MiB together", async () => {
  await fixture.mutation("m:large", { parts: 1, bytes: 2 ** 21 });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual([2 ** 21]);
  expect(await fixture.errorOf("m:large", { parts: 4, bytes: 2 ** 22 })).toContain(
    "Too large total size of the arguments of scheduled functions from this mutation (limit: 16777216 bytes)",
  );
});
