import { afterEach, beforeEach, expect, test } from "vitest";

import type { FunctionResult } from "../../../embedded/protocol/calls.ts";
import type { CronDefinition, DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { deployedCode, EngineFixture, functions } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

const APP = functions(`
  export const tick = internalMutation(async (ctx, { text = "tick" }) => { await ctx.db.insert("notes", { text }); });
  export const act = internalAction(async () => {});
  export const count = query(async (ctx) => (await ctx.db.query("notes").collect()).length);
`);

function every(seconds: number, name: string, args: unknown = {}): CronDefinition {
  return { name, args: [args], schedule: { type: "interval", seconds } };
}

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

test("times missed while the process was down are skipped", async () => {
  await fixture.engine.installCode(await codeWith({ tick: every(10, "m.js:tick") }));
  await fixture.timers.advance(0);
  await fixture.reopen();
  await fixture.timers.advance(95_000);
  fixture.engine.startScheduler();
  await fixture.timers.advance(0);
  expect(await fixture.query("m:count")).toBe(2);
  await fixture.timers.advance(5_000);
  expect(await fixture.query("m:count")).toBe(3);
});

test("a cron whose action still runs is skipped, and is not held up by scheduled jobs", async () => {
  const open: ((result: FunctionResult) => void)[] = [];
  fixture.runAction = () => new Promise((resolve) => open.push(resolve));
  await fixture.engine.installCode(
    await codeWith({ act: every(10, "m.js:act"), tick: every(10, "m.js:tick") }),
  );
  await fixture.timers.advance(30_000);
  expect(open.length).toBe(1);
  expect(await fixture.query("m:count")).toBe(4);
  for (const resolve of open) resolve({ status: "success", valueJson: "null", logLines: [] });
  await fixture.timers.advance(10_000);
  expect(open.length).toBe(2);
});
