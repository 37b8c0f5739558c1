import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { FunctionResult } from "../../../embedded/protocol/calls.ts";
import type { CronDefinition, CronSchedule, DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { deployedCode, EngineFixture, functions } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

const APP = functions(`
  export const tick = internalMutation(async (ctx, { text = "tick" }) => { await ctx.db.insert("notes", { text }); });
  export const act = internalAction(async () => {});
  export const fails = internalMutation(async (ctx) => { await ctx.db.insert("notes", { text: "lost" }); throw new Error("boom"); });
  export const count = query(async (ctx) => (await ctx.db.query("notes").collect()).length);
  export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
`);

function every(seconds: number, name: string, args: unknown = {}): CronDefinition {
  return { name, args: [args], schedule: { type: "interval", seconds } };
}

function at(schedule: CronSchedule, name: string, args: unknown = {}): CronDefinition {
  return { name, args: [args], schedule };
}

/** Errors in the function logs. */
async function loggedErrors(): Promise<string[]> {
  const { entries } = await fixture.engine.completionsAfter(0, 0);
  return entries.flatMap(({ error }) => (error === null ? [] : [error]));
}

/** Actions that end when the test says. */
function heldActions(): ((result: FunctionResult) => void)[] {
  const open: ((result: FunctionResult) => void)[] = [];
  fixture.runAction = () => new Promise((resolve) => open.push(resolve));
  return open;
}

const success: FunctionResult = { status: "success", valueJson: "null", logLines: [] };
const built = new Map<string, Promise<DeployedCode>>();
function codeWith(crons: Record<string, CronDefinition>): Promise<DeployedCode> {
  const key = JSON.stringify(crons);
  const code = built.get(key) ?? deployedCode({ "": { files: { "m.ts": APP }, crons } });
  built.set(key, code);
  return code;
}

beforeEach(() => {
  fixture = new EngineFixture();
  fixture.engine.startScheduler();
});
afterEach(() => fixture.close());

test("an interval cron runs when it is deployed and then at its interval", async () => {
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick") }));
  await fixture.timers.advance(0);
  expect(await fixture.query("m:count")).toBe(1);
  await fixture.timers.advance(9_999);
  expect(await fixture.query("m:count")).toBe(1);
  await fixture.timers.advance(20_001);
  expect(await fixture.query("m:count")).toBe(4);
});

test("a push that leaves a cron as it is does not run it again; one that changes it does; one without it ends it", async () => {
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick") }));
  await fixture.timers.advance(5_000);
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick") }));
  await fixture.timers.advance(0);
  expect(await fixture.query("m:count")).toBe(1);
  await fixture.engine.installCode(await codeWith({ tick: every(20, "m.js:tick") }));
  await fixture.timers.advance(0);
  expect(await fixture.query("m:count")).toBe(2);
  await fixture.engine.installCode(await codeWith({}));
  await fixture.timers.advance(100_000);
  expect(await fixture.query("m:count")).toBe(2);
});

test("a push that changes only the function or the arguments of a cron leaves its time", async () => {
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick") }));
  await fixture.timers.advance(5_000);
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick", { text: "new" }) }));
  await fixture.timers.advance(4_999);
  expect(await fixture.query("m:texts")).toEqual(["tick"]);
  await fixture.timers.advance(1);
  expect(await fixture.query("m:texts")).toEqual(["tick", "new"]);
});

test("daily, weekly, monthly and cron strings run at their times in UTC, with their arguments", async () => {
  // The clock of the fixture starts on 2026-01-02, a Friday, at 00:00.
  await fixture.engine.installCode(
    await codeWith({
      daily: at({ type: "daily", hourUTC: 6, minuteUTC: 30 }, "m.js:tick", { text: "daily" }),
      weekly: at({ type: "weekly", dayOfWeek: "sunday", hourUTC: 12, minuteUTC: 0 }, "m.js:tick", {
        text: "weekly",
      }),
      monthly: at({ type: "monthly", day: 5, hourUTC: 0, minuteUTC: 0 }, "m.js:tick", { text: "monthly" }),
      cron: at({ type: "cron", cron: "0 18 * * SAT" }, "m.js:tick", { text: "cron" }),
    }),
  );
  await fixture.timers.advance(6.5 * 3_600_000 - 1);
  expect(await fixture.query("m:texts")).toEqual([]);
  await fixture.timers.advance(3 * 24 * 3_600_000);
  expect(await fixture.query("m:texts")).toEqual(["daily", "daily", "cron", "daily", "weekly", "monthly"]);
});

test("a clock's times that were missed are made up for once, when the process is back", async () => {
  const crons = { tick: at({ type: "daily", hourUTC: 1, minuteUTC: 0 }, "m.js:tick") };
  await fixture.engine.installCode(await codeWith(crons));
  await fixture.reopen();
  await fixture.timers.advance(3.5 * 24 * 3_600_000);
  fixture.engine.startScheduler();
  await fixture.timers.advance(0);
  expect(await fixture.query("m:count")).toBe(1);
  await fixture.timers.advance(13 * 3_600_000);
  expect(await fixture.query("m:count")).toBe(2);
});

test("times missed while the process was down are skipped after one late run, and the log says how many", async () => {
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick") }));
  await fixture.timers.advance(0);
  await fixture.reopen();
  await fixture.timers.advance(95_000);
  fixture.engine.startScheduler();
  await fixture.timers.advance(0);
  expect(await fixture.query("m:count")).toBe(2);
  expect(await loggedErrors()).toEqual([
    "Skipping 8 run(s) of job tick because multiple scheduled runs are in the past",
  ]);
  await fixture.timers.advance(5_000);
  expect(await fixture.query("m:count")).toBe(3);
});

test("a cron whose action still runs waits for it, and is not held up by scheduled jobs", async () => {
  const open = heldActions();
  await fixture.engine.installCode(
    await codeWith({ act: every(10, "m.js:act"), tick: every(10, "m.js:tick") }),
  );
  await fixture.timers.advance(35_000);
  expect(open.length).toBe(1);
  expect(await fixture.query("m:count")).toBe(4);
  open[0]?.(success);
  await fixture.timers.advance(0);
  expect(await loggedErrors()).toEqual([
    "Skipping 3 run(s) of job act because multiple scheduled runs are in the past",
  ]);
  await fixture.timers.advance(4_999);
  expect(open.length).toBe(1);
  await fixture.timers.advance(1);
  expect(open.length).toBe(2);
});

test("a cron's action that ran when the process died is not run again, and the next one is", async () => {
  const open = heldActions();
  await fixture.engine.installCode(await codeWith({ act: every(10, "m.js:act") }));
  await fixture.timers.advance(0);
  await fixture.reopen();
  fixture.engine.startScheduler();
  await fixture.timers.advance(0);
  expect([open.length, await loggedErrors()]).toEqual([1, ["Transient error while executing action"]]);
  await fixture.timers.advance(10_000);
  expect(open.length).toBe(2);
});

test("a push while a cron's action runs: the new schedule holds, and the run is not repeated", async () => {
  const open = heldActions();
  await fixture.engine.installCode(await codeWith({ act: every(1000, "m.js:act") }));
  await fixture.timers.advance(0);
  await fixture.engine.installCode(
    await codeWith({ act: at({ type: "daily", hourUTC: 5, minuteUTC: 0 }, "m.js:act") }),
  );
  open[0]?.(success);
  await fixture.timers.advance(5 * 3_600_000 - 1);
  expect(open.length).toBe(1);
  await fixture.timers.advance(1);
  expect([open.length, await loggedErrors()]).toEqual([2, []]);
});

test("a cron that a push removes while its action runs is gone", async () => {
  const open = heldActions();
  await fixture.engine.installCode(await codeWith({ act: every(10, "m.js:act") }));
  await fixture.timers.advance(0);
  await fixture.engine.installCode(await codeWith({}));
  open[0]?.(success);
  await fixture.timers.advance(100_000);
  expect([open.length, await loggedErrors()]).toEqual([1, []]);
});

test("a cron that fails writes nothing and runs again at its next time", async () => {
  await fixture.engine.installCode(await codeWith({ fails: every(10, "m.js:fails") }));
  await fixture.timers.advance(10_000);
  expect(await fixture.query("m:count")).toBe(0);
  expect(await loggedErrors()).toEqual([
    expect.stringContaining("Uncaught Error: boom"),
    expect.stringContaining("Uncaught Error: boom"),
  ]);
});

test("a cron whose run cannot be written is tried again, and holds up nothing else", async () => {
  const disk = new DatabaseSync(join(fixture.dataDir, "deployment.sqlite"));
  await fixture.engine.installCode(
    await codeWith({ broken: every(1000, "m.js:tick", { text: "broken" }), tick: every(1000, "m.js:tick") }),
  );
  disk.exec(`CREATE TRIGGER disk BEFORE INSERT ON documents WHEN new.json LIKE '%broken%'
    BEGIN SELECT RAISE(ABORT, 'disk is full'); END`);
  await fixture.timers.advance(0);
  expect(await fixture.query("m:texts")).toEqual(["tick"]);
  expect(fixture.log).toEqual([expect.stringContaining("disk is full")]);
  await fixture.timers.advance(1_499);
  expect(fixture.log).toHaveLength(2);
  disk.exec("DROP TRIGGER disk");
  disk.close();
  await fixture.timers.advance(1);
  expect(await fixture.query("m:texts")).toEqual(["tick", "broken"]);
});

test("a component's crons run its own functions on its own tables", async () => {
  const component = functions(`
    export const tick = internalMutation(async (ctx) => { await ctx.db.insert("ticks", {}); });
    export const count = query(async (ctx) => (await ctx.db.query("ticks").collect()).length);`);
  const app = functions(`export const count = query(async (ctx) => [
    (await ctx.db.query("ticks").collect()).length, await ctx.runQuery(components.timer.m.count, {})]);`);
  await fixture.engine.installCode(
    await deployedCode({
      "": { files: { "m.ts": app }, children: { timer: "timer" } },
      timer: { files: { "m.ts": component }, crons: { tick: every(10, "m.js:tick") } },
    }),
  );
  await fixture.timers.advance(10_000);
  expect(await fixture.query("m:count")).toEqual([0, 2]);
});
