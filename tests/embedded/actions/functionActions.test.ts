import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { newFileKey, storageFolders } from "../../../embedded/files/storageFolders.ts";
import type { ActionContext } from "../../../embedded/protocol/actions.ts";
import {
  startActions,
  type ActionFixture,
  type ActionFixtureOptions,
} from "../../support/actionPoolFixture.ts";
import type { AppFiles } from "../../support/pushedApp.ts";
import { Gates } from "../../support/gates.ts";

const open: ActionFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.pool.close();
});

const action = (body: string): string =>
  `import { actionGeneric as action } from "convex/server"; export const run = action({ handler: async (ctx: any, args: any) => { ${body} } });`;

async function start(files: AppFiles, options: ActionFixtureOptions = {}): Promise<ActionFixture> {
  const fixture = await startActions(files, options);
  open.push(fixture);
  return fixture;
}

/** Its answers are what the engine was asked. */
function withGates(): { gates: Gates; syscall: NonNullable<ActionFixtureOptions["syscall"]> } {
  const gates = new Gates();
  const syscall = (_: ActionContext, __: string, args: unknown): unknown =>
    gates.pass((args as { name: string }).name);
  return { gates, syscall };
}

test("an action's calls go to the engine with its identity, and their results come back", async () => {
  const asked: unknown[] = [];
  const actions = await start(
    {
      "m.ts": action(
        `console.log("at", args.n); return [await ctx.runMutation("m:write", { n: 1n }), process.env.KEY]`,
      ),
    },
    {
      env: { KEY: "value" },
      syscall(context, op, args) {
        asked.push(context, op, (args as { args: unknown }).args);
        return { $integer: "AQAAAAAAAAA=" };
      },
    },
  );
  expect(await actions.run("m.js:run", { n: 1 })).toEqual({
    status: "success",
    valueJson: `[{"$integer":"AQAAAAAAAAA="},"value"]`,
    logLines: ["[LOG] 'at' 1"],
  });
  const context = {
    componentPath: "",
    name: "m.js:run",
    caller: { kind: "anonymous" },
    requestId: "request",
  };
  expect(asked).toEqual([context, "1.0/actions/mutation", { n: { $integer: "AQAAAAAAAAA=" } }]);
});

test("a ConvexError of a called function keeps its data through the action", async () => {
  const actions = await start(
    { "m.ts": action(`await ctx.runQuery("m:q")`) },
    {
      syscall() {
        throw Object.assign(new Error("refused"), { data: { kind: "refused" } });
      },
    },
  );
  const result = await actions.run("m.js:run");
  expect(result).toMatchObject({ status: "error", dataJson: `{"kind":"refused"}` });
});

test.each([
  ["a throwing timer", `setTimeout(() => { throw new Error("astray") }, 0); await new Promise(() => {})`],
  [
    "a promise nobody awaits",
    `void (async () => { await 1; throw new Error("astray") })(); await new Promise(() => {})`,
  ],
  [
    "a throwing listener",
    `const a = new AbortController(); a.signal.addEventListener("abort", () => { throw new Error("astray") }); a.abort(); await new Promise(() => {})`,
  ],
  ["a microtask", `queueMicrotask(() => { throw new Error("astray") }); await new Promise(() => {})`],
])("%s ends its own action and no other", async (_, body) => {
  const { gates, syscall } = withGates();
  const actions = await start(
    { "m.ts": action(body), "n.ts": action(`return await ctx.runQuery("door")`) },
    { syscall },
  );
  const other = actions.run("n.js:run");
  await gates.reached("door");
  const result = await actions.run("m.js:run");
  expect(result.status === "error" && result.message).toMatch(/^Uncaught Error: astray\n\s+at /);
  gates.open("door", "fine");
  expect(await other).toMatchObject({ status: "success", valueJson: `"fine"` });
  expect(actions.logs).toEqual([]);
});

test("what one action patches is not there for another, and an own property may hide what is built in", async () => {
  const patch = `const patched = [];
    for (const change of [
      () => { Response.prototype.text = async () => "patched" },
      () => { Uint8Array.prototype.map = () => "patched" },
      () => { ReadableStream.from = () => "patched" },
      () => { URL.prototype.own = "patched" },
      () => { Object.defineProperty(Headers.prototype, "get", { value: () => "patched" }) },
    ]) try { change(); patched.push("patched") } catch (error) { patched.push(error.name) }
    return patched`;
  const read = `class Own extends Response { async text() { return "own" } }
    const hidden = new Response("hidden"); hidden.text = async () => "instance";
    return [await new Response("text").text(), await new Own("").text(), await hidden.text(), [...new Uint8Array([1]).map((n) => n + 1)],
      typeof ReadableStream.from([]), new URL("http://a").own ?? null, new Headers({ a: "b" }).get("a")]`;
  const actions = await start({ "m.ts": action(patch), "n.ts": action(read) });
  const patched = await actions.run("m.js:run");
  expect(patched).toMatchObject({ valueJson: JSON.stringify(Array.from({ length: 5 }, () => "TypeError")) });
  const expected = ["text", "own", "instance", [2], "object", null, "b"];
  expect(await actions.run("n.js:run")).toMatchObject({ valueJson: JSON.stringify(expected) });
});

test("timers and requests of an action end with it", async () => {
  const { gates, syscall } = withGates();
  const actions = await start(
    {
      "m.ts": action(
        `setTimeout(() => void ctx.runQuery("late"), 0); setInterval(() => void ctx.runQuery("late"), 1); return 1`,
      ),
      "n.ts": action(`await new Promise((done) => setTimeout(done, 20)); await ctx.runQuery("door")`),
    },
    { syscall },
  );
  await actions.run("m.js:run");
  const other = actions.run("n.js:run");
  await gates.reached("door");
  gates.open("door");
  await other;
  expect(
    await Promise.race([gates.reached("late").then(() => "asked"), Promise.resolve("never asked")]),
  ).toBe("never asked");
});

test("an action is ended at its time limit", async () => {
  const actions = await start({ "m.ts": action(`await new Promise(() => {})`) }, { limits: { maxRunMs: 1 } });
  expect(await actions.run("m.js:run")).toMatchObject({
    status: "error",
    message: expect.stringContaining("timed out") as string,
  });
});

test("an action in flight finishes on the code it began with", async () => {
  const { gates, syscall } = withGates();
  const files = {
    "m.ts": action(`await ctx.runQuery("door"); return (await import("./n")).version`),
    "n.ts": `export const version = 1;`,
  };
  const actions = await start(files, { syscall });
  const old = actions.run("m.js:run");
  await gates.reached("door");
  await actions.push({ ...files, "n.ts": `export const version = 2;` });
  const fresh = actions.run("m.js:run");
  gates.open("door");
  expect(await old).toMatchObject({ valueJson: "1" });
  expect(await fresh).toMatchObject({ valueJson: "2" });
});

test("a busy loop costs the thread: its work fails, what it stored is gone, and a new thread serves the same port", async () => {
  const { gates, syscall } = withGates();
  const actions = await start(
    { "m.ts": action(`for (;;) {}`), "n.ts": action(`await ctx.runQuery("door"); return "done"`) },
    { syscall, heartbeat: { everyMs: 50, maxMissed: 40 } },
  );
  const url = actions.pool.localUrl;
  const innocent = actions.run("n.js:run");
  await gates.reached("door");
  const folder = storageFolders(actions.dataDir).actions;
  writeFileSync(join(folder, newFileKey()), "what an action was storing");
  const busy = actions.run("m.js:run");
  const message = expect.stringContaining("The action was lost: a function kept its thread busy") as string;
  expect(await busy).toMatchObject({ status: "error", message });
  expect(await innocent).toMatchObject({ status: "error", message });

  gates.open("door");
  expect(await actions.run("n.js:run")).toMatchObject({ status: "success", valueJson: `"done"` });
  expect(readdirSync(folder)).toEqual([]);
  expect(actions.pool.localUrl).toBe(url);
  expect(await (await fetch(url)).text()).toContain("does not have HTTP actions enabled");
});

test("a taken site port is one sentence with the remedy", async () => {
  const first = await start({});
  const port = Number(new URL(first.pool.localUrl).port);
  const { createActionPool } = await import("../../../embedded/actions/actionPool.ts");
  const second = createActionPool({
    siteHost: "127.0.0.1",
    sitePort: port,
    dataDir: mkdtempSync(join(tmpdir(), "actions-")),
    identify: () => Promise.resolve({ kind: "anonymous" }),
    log: () => undefined,
    engine: {
      actionSyscall: () => Promise.reject(new Error("unused")),
      recordCompletion: () => undefined,
      environmentOf: () => ({}),
    },
  });
  await expect(second).rejects.toMatchObject({
    code: "PortTaken",
    message: `Port ${port} on 127.0.0.1, for HTTP actions, is taken. End the program that uses it, or choose another with --site-port.`,
  });
});

test("requests that come before the code is known wait for it", async () => {
  const http = `import { httpRouter, httpActionGeneric as httpAction } from "convex/server"; const http = httpRouter();
    http.route({ path: "/", method: "GET", handler: httpAction(async () => new Response("served")) }); export default http;`;
  const actions = await start({}, { withoutCode: true });
  const early = fetch(actions.pool.localUrl);
  await actions.push({ "http.ts": http });
  expect(await (await early).text()).toBe("served");
});

test("what functions scheduled or called has slots that no crowd of clients can take", async () => {
  const { gates, syscall } = withGates();
  const actions = await start(
    { "m.ts": action(`if (args.door) await ctx.runQuery(args.door, {}); return "done"`) },
    { syscall, limits: { concurrent: 1, concurrentInner: 1, maxWaitMs: 20 } },
  );
  const crowd = actions.run("m.js:run", { door: "crowd" });
  await gates.reached("crowd");
  expect(await actions.run("m.js:run")).toMatchObject({ status: "error" });
  const scheduled = { componentPath: "", name: "m.js:run", argsJson: "{}" };
  expect(
    await actions.pool.runAction(
      { ...scheduled, caller: { kind: "system", attributes: null, token: null } },
      "scheduled",
    ),
  ).toMatchObject({ status: "success" });
  gates.open("crowd");
  expect(await crowd).toMatchObject({ status: "success" });
});

test("an action that takes all memory fails with its thread, and the next one runs in another", async () => {
  const actions = await start(
    {
      "m.ts": action(
        `if (args.greedy) { const kept = [1, 2, 3, 4].map(() => new Uint8Array(50_000_000)); for (;;) kept.length; } return "done"`,
      ),
    },
    { maxMemoryMb: 128 },
  );
  expect(await actions.run("m.js:run", { greedy: true })).toMatchObject({
    status: "error",
    message: "The action was lost: its functions took more than 128 MB of memory.",
  });
  expect(await actions.run("m.js:run")).toMatchObject({ status: "success", valueJson: `"done"` });
});
