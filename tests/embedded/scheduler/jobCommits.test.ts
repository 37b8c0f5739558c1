/** Jobs and crons that are due together: one COMMIT for all of them, and each exactly once all the same. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FunctionResult } from "../../../embedded/protocol/calls.ts";
import type { CronDefinition, DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { deployedCode, EngineFixture, functions } from "../../support/engineFixture.ts";
import { WatchedDatabase } from "../../support/watchedDatabase.ts";

const app = functions(`
  export const add = mutation(async (ctx, { text }) => { await ctx.db.insert("notes", { text }); });
  export const fails = mutation(async (ctx, { text }) => { await ctx.db.insert("notes", { text }); throw new Error("boom"); });
  export const act = action(async () => null);
  export const schedule = mutation(async (ctx, { names }) => {
    for (const [n, name] of names.entries()) await ctx.scheduler.runAfter(1, anyApi.m[name], { text: name + " " + n });
  });
  export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map(({ text }) => text));
  export const states = query(async (ctx) =>
    (await ctx.db.system.query("_scheduled_functions").collect()).map(({ state }) => state.kind));
`);

let code: Promise<DeployedCode> | undefined;
let fixture: EngineFixture;
let database: WatchedDatabase;

beforeEach(async () => {
  fixture = await EngineFixture.with(
    await (code ??= deployedCode({ "": { files: { "m.ts": app } } })),
    {},
    (path) => (database = new WatchedDatabase(path)),
  );
  fixture.engine.startScheduler();
  await fixture.timers.advance(0);
});
afterEach(() => fixture.close());

async function schedule(names: string[]): Promise<void> {
  await fixture.mutation("m:schedule", { names });
  database.commits = 0;
}

const times = (count: number, name: string): string[] => Array.from({ length: count }, () => name);

test("mutations that are due together run in their order and share a commit", async () => {
  await schedule(times(100, "add"));
  await fixture.timers.advance(1);
  expect(database.commits).toBe(1);
  expect(await fixture.query("m:texts")).toEqual(times(100, "add").map((name, n) => `${name} ${n}`));
});

test("a mutation that throws is undone alone, and what runs beside it is kept", async () => {
  await schedule(["add", "fails", "add"]);
  await fixture.timers.advance(1);
  expect(database.commits).toBe(1);
  expect(await fixture.query("m:texts")).toEqual(["add 0", "add 2"]);
  expect(await fixture.query("m:states")).toEqual(["success", "failed", "success"]);
});

test("more than one commit may hold are left to the next step, and what clients want goes between", async () => {
  await schedule(times(300, "add"));
  await fixture.timers.advance(1);
  expect(database.commits).toBe(2);
  expect(await fixture.query("m:texts")).toHaveLength(300);
});

test("when the commit fails nothing has run, no action has begun, and all of it runs once when it can be stored", async () => {
  const begun: string[] = [];
  fixture.runAction = async ({ name }) => {
    begun.push(name);
    return { status: "success", valueJson: "null", logLines: [] };
  };
  await schedule(["add", "act", "fails", "add"]);
  const { cursor } = await fixture.engine.completionsAfter(0, 0);
  database.failCommits();
  await fixture.timers.advance(1);
  expect((await fixture.engine.completionsAfter(cursor, 0)).entries).toEqual([]);
  database.beforeCommit = undefined;
  expect([await fixture.query("m:texts"), await fixture.query("m:states")]).toEqual([
    [],
    times(4, "pending"),
  ]);
  expect(begun).toEqual([]);
  expect(fixture.log).toEqual(times(4, "").map(() => expect.stringContaining("disk is full") as string));

  await fixture.timers.advance(1_000);
  expect(await fixture.query("m:texts")).toEqual(["add 0", "add 3"]);
  expect(await fixture.query("m:states")).toEqual(["success", "success", "failed", "success"]);
  expect(begun).toEqual(["m.js:act"]);
});

test("of the actions that are due eight begin, also when the commit before them failed", async () => {
  const open: ((result: FunctionResult) => void)[] = [];
  fixture.runAction = () => new Promise((resolve) => open.push(resolve));
  await schedule(times(20, "act"));
  database.failCommits();
  await fixture.timers.advance(1);
  database.beforeCommit = undefined;
  await fixture.timers.advance(500);
  expect(open).toHaveLength(8);
  for (const end of open.splice(0)) end({ status: "success", valueJson: "null", logLines: [] });
  await fixture.timers.advance(0);
  await fixture.timers.advance(0);
  expect(open).toHaveLength(8);
  expect((await fixture.query("m:states")) as string[]).toEqual([
    ...times(8, "success"),
    ...times(8, "inProgress"),
    ...times(4, "pending"),
  ]);
});

test("a job that always finds the disk full makes the others of its commit wait once, and never again", async () => {
  await schedule(["add", "add", "fails", "add", "act"]);
  database.tooMuch = "add 1";
  await fixture.timers.advance(1);
  await fixture.timers.advance(500);
  expect(await fixture.query("m:texts")).toEqual(["add 3", "add 0"]);
  expect(await fixture.query("m:states")).toEqual(["success", "pending", "failed", "success", "success"]);
  database.tooMuch = undefined;
  await fixture.timers.advance(15_000);
  expect(await fixture.query("m:texts")).toEqual(["add 3", "add 0", "add 1"]);
});

test("crons that are due together share a commit, and run again when it fails", async () => {
  const cron = (text: string): CronDefinition => ({
    name: "m.js:add",
    args: [{ text }],
    schedule: { type: "interval", seconds: 10 },
  });
  const crons = { one: cron("one"), two: cron("two") };
  await fixture.engine.installCode(await deployedCode({ "": { files: { "m.ts": app }, crons } }, 2));
  database.commits = 0;
  database.failCommits();
  await fixture.timers.advance(0);
  database.beforeCommit = undefined;
  expect(await fixture.query("m:texts")).toEqual([]);
  // Apart, for one of them may be what made the commit fail; then together again.
  await fixture.timers.advance(500);
  expect(database.commits).toBe(2);
  await fixture.timers.advance(9_500);
  expect(database.commits).toBe(3);
  expect(await fixture.query("m:texts")).toEqual(["one", "two", "one", "two"]);
});
