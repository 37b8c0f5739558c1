/**
 * Functions that other functions schedule, from the call to the outcome. Long, because each state that a job can be in meets each
 * thing that can happen to it, on one small app.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { ActionContext } from "../../../embedded/protocol/actions.ts";
import type { FunctionResult } from "../../../embedded/protocol/calls.ts";
import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { TRANSACTION_LIMITS } from "../../../embedded/transaction/transactionUsage.ts";
import { appCode, deployedCode, EngineFixture, functions } from "../../support/engineFixture.ts";

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
    export const chain = mutation(async (ctx, { left }) => {
      await ctx.db.insert("notes", { text: "chain " + left });
      if (left > 0) await ctx.scheduler.runAfter(0, anyApi.m.chain, { left: left - 1 });
    });
    export const scheduleAndCancel = mutation(async (ctx) => {
      const id = await ctx.scheduler.runAfter(0, anyApi.m.add, { text: "x" });
      await ctx.scheduler.cancel(id);
      return id;
    });
    export const writesTooMuch = internalMutation(async (ctx) => {
      for (let n = 0; n < 11; n++) await ctx.db.insert("notes", { text: "lost" });
    });
    export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
    export const job = query(async (ctx, { id }) => await ctx.db.system.get(id));
    export const jobs = query(async (ctx) => await ctx.db.system.query("_scheduled_functions").collect());
    export const states = query(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).map((job) => job.state.kind));
  `),
};

beforeEach(async () => {
  fixture = await EngineFixture.with(await (code ??= appCode(APP)));
  fixture.engine.startScheduler();
});
afterEach(() => fixture.close());

interface HeldActions {
  running: () => number;
  /** Of the one that began last. */
  context: () => ActionContext;
  end: (result?: FunctionResult) => void;
}

/** Actions that end when the test says. */
function heldActions(): HeldActions {
  const open: ((result: FunctionResult) => void)[] = [];
  let context: ActionContext | null = null;
  fixture.runAction = (call, requestId) => {
    context = { ...call, requestId };
    return new Promise((resolve) => open.push(resolve));
  };
  return {
    running: () => open.length,
    context: () => {
      if (!context) throw new Error("no action has begun");
      return context;
    },
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

test("a time in the past is kept as it was asked for, and gives no place before what is due", async () => {
  const past = fixture.timers.nowMs() - 60_000;
  await fixture.mutation("m:later", { ms: 0, args: { text: "first" } });
  const id = await fixture.mutation("m:at", { ms: past, args: { text: "second" } });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual(["first", "second"]);
  expect(await fixture.query("m:job", { id })).toMatchObject({ scheduledTime: past });
});

test("a call canceled in the transaction that scheduled it does not run", async () => {
  const id = await fixture.mutation("m:scheduleAndCancel");
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual([]);
  expect(await fixture.query("m:job", { id })).toMatchObject({
    state: { kind: "canceled" },
    completedTime: fixture.timers.nowMs(),
  });
});

test("what a canceled action still schedules is canceled too, also through a mutation it calls", async () => {
  const actions = heldActions();
  const id = await fixture.mutation("m:later", { ms: 0, name: "act" });
  await fixture.timers.advance(0);
  await fixture.mutation("m:cancel", { id });
  expect(await fixture.query("m:states")).toEqual(["canceled"]);

  const context = actions.context();
  const schedule = {
    name: "m:add",
    ts: fixture.timers.nowMs() / 1000,
    args: { text: "x" },
    version: "1.48.0",
  };
  const mutate = { name: "m:later", args: { ms: 0, args: { text: "y" } } };
  await fixture.engine.actionSyscall(context, "1.0/actions/schedule", JSON.stringify(schedule));
  await fixture.engine.actionSyscall(context, "1.0/actions/mutation", JSON.stringify(mutate));
  actions.end();
  await fixture.timers.advance(1000);
  expect(await fixture.query("m:states")).toEqual(["canceled", "canceled", "canceled"]);
  expect(await fixture.query("m:texts")).toEqual([]);
});

test("a scheduled action knows the id of its job, and what it schedules is committed at once", async () => {
  const actions = heldActions();
  const id = await fixture.mutation("m:later", { ms: 0, name: "act" });
  await fixture.timers.advance(0);
  const metadata = await fixture.engine.actionSyscall(actions.context(), "1.0/getRequestMetadata", "{}");
  expect(metadata).toMatchObject({ status: "success" });
  expect(JSON.parse("valueJson" in metadata ? metadata.valueJson : "")).toMatchObject({
    scheduledFunctionId: id,
  });
  const schedule = {
    name: "m:add",
    ts: fixture.timers.nowMs() / 1000,
    args: { text: "x" },
    version: "1.48.0",
  };
  await fixture.engine.actionSyscall(actions.context(), "1.0/actions/schedule", JSON.stringify(schedule));
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual(["x"]);
});

test("a scheduled mutation that passes a limit has failed", async () => {
  await fixture.close();
  fixture = await EngineFixture.with(await (code ??= appCode(APP)), {
    transaction: { ...TRANSACTION_LIMITS, documentsWritten: 10 },
  });
  fixture.engine.startScheduler();
  await fixture.mutation("m:later", { ms: 0, name: "writesTooMuch" });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:states")).toEqual(["failed"]);
  expect(await fixture.query("m:texts")).toEqual([]);
});

/** To change a document into one like this finds the disk full, until it is mended. */
function breakDisk(like: string): () => void {
  const disk = new DatabaseSync(join(fixture.dataDir, "deployment.sqlite"));
  disk.exec(`CREATE TRIGGER disk BEFORE UPDATE ON documents WHEN new.json LIKE '%${like}%'
    BEGIN SELECT RAISE(ABORT, 'disk is full'); END`);
  return () => {
    disk.exec("DROP TRIGGER disk");
    disk.close();
  };
}

test("a scheduled mutation that finds the disk full is tried again, and holds up no other", async () => {
  const mend = breakDisk("broken%success");
  const id = await fixture.mutation("m:later", { ms: 0, args: { text: "broken" } });
  await fixture.mutation("m:later", { ms: 0, args: { text: "other" } });
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual(["other"]);
  expect(fixture.log).toEqual([expect.stringContaining("disk is full")]);
  mend();
  await fixture.timers.advance(500);
  expect(await fixture.query("m:texts")).toEqual(["other", "broken"]);
  expect(await fixture.query("m:job", { id })).toMatchObject({ state: { kind: "success" } });
});

test("a job that is canceled while it waits for the disk does not run", async () => {
  const mend = breakDisk("broken%inProgress");
  const id = await fixture.mutation("m:later", { ms: 0, args: { text: "broken" } });
  await fixture.timers.advance(0);
  await fixture.mutation("m:cancel", { id });
  mend();
  await fixture.timers.advance(60_000);
  expect(await fixture.query("m:states")).toEqual(["canceled"]);
  expect(await fixture.query("m:texts")).toEqual([]);
});

test("the outcome of an action is written when the disk takes it again", async () => {
  const actions = heldActions();
  const id = await fixture.mutation("m:later", { ms: 0, name: "act" });
  await fixture.timers.advance(0);
  const mend = breakDisk("success");
  actions.end();
  await fixture.timers.advance(400);
  expect(await fixture.query("m:states")).toEqual(["inProgress"]);
  mend();
  await fixture.timers.advance(100);
  expect(await fixture.query("m:job", { id })).toMatchObject({ state: { kind: "success" } });
});

test("a component schedules its own functions, and its jobs are its own", async () => {
  const component = functions(`
    export const start = mutation(async (ctx) => await ctx.scheduler.runAfter(0, anyApi.m.done, {}));
    export const done = internalMutation(async (ctx) => { await ctx.db.insert("done", {}); });
    export const state = query(async (ctx) => [(await ctx.db.query("done").collect()).length,
      (await ctx.db.system.query("_scheduled_functions").collect()).map((job) => job.state.kind)]);`);
  const app = functions(`
    export const start = mutation(async (ctx) => await ctx.runMutation(components.child.m.start, {}));
    export const cancel = mutation(async (ctx, { id }) => await ctx.scheduler.cancel(id));
    export const state = query(async (ctx) => [(await ctx.db.system.query("_scheduled_functions").collect()).length,
      await ctx.runQuery(components.child.m.state, {})]);`);
  await fixture.engine.installCode(
    await deployedCode(
      {
        "": { files: { "m.ts": app }, children: { child: "child" } },
        child: { files: { "m.ts": component } },
      },
      2,
    ),
  );
  const id = await fixture.mutation("m:start");
  expect(await fixture.errorOf("m:cancel", { id })).toContain(
    "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.",
  );
  await fixture.timers.advance(0);
  expect(await fixture.query("m:state")).toEqual([0, [1, ["success"]]]);
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
  expect(await fixture.query("m:texts")).toEqual([]);
  expect(await fixture.query("m:jobs")).toMatchObject([
    { state: { kind: "failed", error: "Transient error while executing action" } },
  ]);
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
  expect(await fixture.query("m:jobs")).toMatchObject([
    { state: { kind: "failed", error: 'Couldn\'t find "add" in module "m.js".' } },
  ]);
});
