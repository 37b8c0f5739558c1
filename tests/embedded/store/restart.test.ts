import { afterEach, beforeEach, expect, test } from "vitest";

import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { appCode, call, EngineFixture, functions, valueOf } from "../../support/engineFixture.ts";

let code: Promise<DeployedCode> | undefined;
let fixture: EngineFixture;

const APP = {
  "m.ts": functions(`
    export const add = mutation(async (ctx, { text }) => { await ctx.db.insert("notes", { text }); return await count(ctx); });
    const count = async (ctx) => (await ctx.db.query("notes").collect()).length;
    export const fails = mutation(async (ctx) => { if (await count(ctx) === 0) throw new Error("empty"); return await ctx.db.insert("notes", {}); });
    export const total = query(count);
    export const times = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note._creationTime));
    export const handle = query(async (ctx) => { const { createFunctionHandle } = await import("convex/server"); return await createFunctionHandle(anyApi.m.add); });
    export const callHandle = mutation(async (ctx, { handle }) => await ctx.runMutation(handle, { text: "h" }));
  `),
};

beforeEach(async () => {
  fixture = await EngineFixture.with(await (code ??= appCode(APP)));
});
afterEach(() => fixture.close());

test("data, code, environment and handles are there after a restart", async () => {
  await fixture.mutation("m:add", { text: "x" });
  await fixture.engine.setEnvironmentVariables({ A: "1", B: "2" });
  await fixture.engine.setEnvironmentVariables({ B: null });
  const handle = await fixture.query("m:handle");
  await fixture.reopen();
  expect(await fixture.query("m:total")).toBe(1);
  expect(fixture.engine.code()?.version).toBe(1);
  expect(fixture.engine.environmentVariables()).toEqual({ A: "1" });
  expect(await fixture.mutation("m:callHandle", { handle })).toBe(2);
});

test("timestamps and creation times grow across restarts, also when the clock goes back", async () => {
  const { ts } = await fixture.engine.runMutation(call("m:add", { text: "x" }));
  await fixture.reopen();
  expect(fixture.engine.latestTs()).toBe(ts);
  await fixture.timers.advance(-60_000);
  const later = await fixture.engine.runMutation(call("m:add", { text: "y" }));
  expect(later.ts).toBeGreaterThan(ts);
  const [first = 0, second = 0] = (await fixture.query("m:times")) as number[];
  expect(second).toBeGreaterThan(first);
});

test("a new database has a timestamp that no client has seen as later", () => {
  expect(fixture.engine.latestTs()).toBeGreaterThanOrEqual(BigInt(fixture.timers.nowMs()) * 1_000_000n);
});

test("a replayed mutation is answered with its first result and not run again", async () => {
  const request = { sessionId: "s", requestId: 1 };
  const first = await fixture.engine.runMutation(call("m:add", { text: "x" }), request);
  expect(valueOf(first.result)).toBe(1);
  expect(await fixture.engine.runMutation(call("m:add", { text: "x" }), request)).toEqual(first);
  await fixture.reopen();
  expect(await fixture.engine.runMutation(call("m:add", { text: "x" }), request)).toEqual(first);
  expect(await fixture.query("m:total")).toBe(1);
  const next = await fixture.engine.runMutation(call("m:add", { text: "x" }), { ...request, requestId: 2 });
  expect(valueOf(next.result)).toBe(2);
});

test("a mutation that failed runs when it is replayed: it had no effect", async () => {
  const request = { sessionId: "s", requestId: 1 };
  expect((await fixture.engine.runMutation(call("m:fails"), request)).result.status).toBe("error");
  await fixture.mutation("m:add", { text: "x" });
  expect((await fixture.engine.runMutation(call("m:fails"), request)).result.status).toBe("success");
  expect(await fixture.query("m:total")).toBe(2);
});

test("the results kept for replays are removed after a day", async () => {
  const request = { sessionId: "s", requestId: 1 };
  await fixture.engine.runMutation(call("m:add", { text: "x" }), request);
  fixture.engine.startScheduler();
  await fixture.timers.advance(26 * 60 * 60 * 1000);
  expect(valueOf((await fixture.engine.runMutation(call("m:add", { text: "x" }), request)).result)).toBe(2);
});

test("closing twice is safe", async () => {
  await fixture.engine.close();
  await expect(fixture.engine.close()).resolves.toBeUndefined();
});
