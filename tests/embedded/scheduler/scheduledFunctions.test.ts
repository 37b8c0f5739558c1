import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { FunctionResult } from "../../../embedded/protocol/calls.ts";
import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";

let code: Promise<DeployedCode> | undefined;
let fixture: EngineFixture;

const APP = {
  "m.ts": functions(`
    export const add = mutation(async (ctx, { text, identity }) => {
      const who = identity ? (await ctx.auth.getUserIdentity())?.name ?? "nobody" : text;
      await ctx.db.insert("notes", { text: who });
    });
    export const fails = internalMutation(async (ctx) => { await ctx.db.insert("notes", { text: "lost" }); throw new Error("boom"); });
    export const act = internalAction(async () => {});
    export const later = mutation(async (ctx, { ms, name = "add", args = {} }) => await ctx.scheduler.runAfter(ms, anyApi.m[name], args));
    export const at = mutation(async (ctx, { ms, args }) => await ctx.scheduler.runAt(new Date(ms), anyApi.m.add, args));
    export const cancel = mutation(async (ctx, { id }) => await ctx.scheduler.cancel(id));
    export const cancelsItself = internalMutation(async (ctx) => {
      const [job] = await ctx.db.system.query("_scheduled_functions").collect();
      await ctx.db.insert("notes", { text: job.state.kind });
      await ctx.scheduler.cancel(job._id);
    });
    export const chain = mutation(async (ctx, { left }) => {
      await ctx.db.insert("notes", { text: "chain " + left });
      if (left > 0) await ctx.scheduler.runAfter(0, anyApi.m.chain, { left: left - 1 });
    });
    export const scheduleQuery = mutation(async (ctx) => await ctx.scheduler.runAfter(0, anyApi.m.texts, {}));
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

/** Actions that end when the test says. */
function heldActions(): { running: () => number; end(result?: FunctionResult): void } {
  const open: ((result: FunctionResult) => void)[] = [];
  fixture.runAction = () => new Promise((resolve) => open.push(resolve));
  return {
    running: () => open.length,
    end: (result = { status: "success", valueJson: "null", logLines: [] }) => {
      for (const resolve of open.splice(0)) resolve(result);
    },
  };
}

test("a scheduled mutation runs when it is due, and its document tells how it went", async () => {
  const id = await fixture.mutation("m:later", { ms: 1000, args: { text: "x" } });
  expect(await fixture.query("m:job", { id })).toMatchObject({
    name: "m.js:add",
    args: [{ text: "x" }],
    state: { kind: "pending" },
    scheduledTime: fixture.timers.nowMs() + 1000,
  });
  await fixture.timers.advance(999);
  expect(await fixture.query("m:texts")).toEqual([]);
  await fixture.timers.advance(1);
  expect(await fixture.query("m:texts")).toEqual(["x"]);
  const finished = { state: { kind: "success" }, completedTime: fixture.timers.nowMs() };
  expect(await fixture.query("m:job", { id })).toMatchObject(finished);
});

test("due mutations run in the order of their times", async () => {
  const now = fixture.timers.nowMs();
  for (const [text, ms] of [
    ["c", 30],
    ["a", 10],
    ["b", 20],
  ] as const) {
    await fixture.mutation("m:at", { ms: now + ms, args: { text } });
  }
  await fixture.timers.advance(50);
  expect(await fixture.query("m:texts")).toEqual(["a", "b", "c"]);
});

test("a scheduled mutation that throws is undone and marked failed", async () => {
  const id = await fixture.mutation("m:later", { ms: 0, name: "fails" });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual([]);
  expect(await fixture.query("m:job", { id })).toMatchObject({
    state: { kind: "failed", error: expect.stringContaining("Uncaught Error: boom") },
  });
});

test("identity is not handed to scheduled functions", async () => {
  await fixture.mutation("m:later", { ms: 0, args: { identity: true } });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual(["nobody"]);
});

test("a chain of calls runs to its end", async () => {
  await fixture.mutation("m:chain", { left: 3 });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual(["chain 3", "chain 2", "chain 1", "chain 0"]);
});

test("a canceled call does not run", async () => {
  const id = await fixture.mutation("m:later", { ms: 100, args: { text: "x" } });
  await fixture.mutation("m:cancel", { id });
  await fixture.timers.advance(200);
  expect(await fixture.query("m:texts")).toEqual([]);
  expect(await fixture.query("m:states")).toEqual(["canceled"]);
  await fixture.mutation("m:cancel", { id });
});

test("a mutation sees itself in progress and cannot cancel itself", async () => {
  const id = await fixture.mutation("m:later", { ms: 0, name: "cancelsItself" });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:job", { id })).toMatchObject({
    state: { kind: "failed", error: expect.stringContaining("A mutation cannot cancel itself") },
  });
});

test("a query cannot be scheduled", async () => {
  expect(await fixture.errorOf("m:scheduleQuery")).toContain("Only mutations and actions can be scheduled");
});

test("pending calls survive a restart and run once", async () => {
  await fixture.mutation("m:later", { ms: 1000, args: { text: "x" } });
  await fixture.reopen();
  await fixture.timers.advance(2000);
  expect(await fixture.query("m:texts")).toEqual([]);
  fixture.engine.startScheduler();
  await fixture.timers.advance(0);
  await fixture.reopen();
  fixture.engine.startScheduler();
  await fixture.timers.advance(5000);
  expect(await fixture.query("m:texts")).toEqual(["x"]);
});

test("an action that ran when the process died has failed and is not run again", async () => {
  const actions = heldActions();
  await fixture.mutation("m:later", { ms: 0, name: "act" });
  await fixture.timers.advance(0);
  expect(actions.running()).toBe(1);
  expect(await fixture.query("m:states")).toEqual(["inProgress"]);
  await fixture.reopen();
  fixture.engine.startScheduler();
  await fixture.timers.advance(1000);
  expect(await fixture.query("m:states")).toEqual(["failed"]);
  expect(actions.running()).toBe(1);
});

test("an action whose beginning cannot be written is told, and begins once it can be", async () => {
  const actions = heldActions();
  const disk = new DatabaseSync(join(fixture.dataDir, "deployment.sqlite"));
  disk.exec(
    "CREATE TRIGGER disk BEFORE UPDATE ON scheduled_jobs BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
  );
  await fixture.mutation("m:later", { ms: 0, name: "act" });
  await fixture.timers.advance(0);
  expect(fixture.log).toEqual([expect.stringContaining("disk is full")]);
  expect([actions.running(), await fixture.query("m:states")]).toEqual([0, ["pending"]]);

  disk.exec("DROP TRIGGER disk");
  disk.close();
  await fixture.timers.advance(1000);
  expect([actions.running(), await fixture.query("m:states")]).toEqual([1, ["inProgress"]]);
  expect(fixture.log).toHaveLength(1);
});

test("eight run side by side, the ninth when one of them has ended", async () => {
  const actions = heldActions();
  for (let n = 0; n < 9; n++) await fixture.mutation("m:later", { ms: 0, name: "act" });
  await fixture.mutation("m:later", { ms: 0, args: { text: "behind" } });
  await fixture.timers.advance(0);
  expect(actions.running()).toBe(8);
  expect(await fixture.query("m:texts")).toEqual([]);
  actions.end({ status: "error", message: "no", logLines: [] });
  await fixture.timers.advance(0);
  await fixture.timers.advance(0);
  expect(actions.running()).toBe(1);
  expect(await fixture.query("m:texts")).toEqual(["behind"]);
});

test("finished calls are removed after a week", async () => {
  await fixture.mutation("m:later", { ms: 0, args: { text: "x" } });
  await fixture.timers.advance(6 * 24 * 60 * 60 * 1000);
  expect(await fixture.query("m:states")).toEqual(["success"]);
  await fixture.timers.advance(2 * 24 * 60 * 60 * 1000);
  expect(await fixture.query("m:states")).toEqual([]);
});

test("a call whose function is gone has failed", async () => {
  await fixture.mutation("m:later", { ms: 100, args: { text: "x" } });
  const { "m.ts": text } = APP;
  await fixture.engine.installCode(
    await appCode({ "m.ts": text.replace("export const add", "const add") }, 2),
  );
  await fixture.timers.advance(100);
  expect(await fixture.query("m:states")).toEqual(["failed"]);
});
