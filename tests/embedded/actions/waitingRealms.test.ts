/** Realms that wait for the runs that will use them. */
import { expect, onTestFinished, test } from "vitest";
import type { RunOfRealm } from "../../../embedded/actions/actionRealm.ts";
import { WaitingRealms } from "../../../embedded/actions/waitingRealms.ts";
import { startActions } from "../../support/actionPoolFixture.ts";
import { bundleModules } from "../../support/pushedApp.ts";

const header = `import { actionGeneric as action } from "convex/server";`;
const moduleWith = (setup: string, body: string): string =>
  `${header} ${setup}; export const run = action({ handler: async (ctx: any, args: any) => { ${body} } });`;

async function waiting(setup: string, body = "return 1") {
  const deployed = {
    modules: await bundleModules({ "m.ts": moduleWith(setup, body), "n.ts": moduleWith("", "return 1") }),
    env: { KIND: "first" },
    deployedAtMs: 5,
  };
  const realms = new WaitingRealms((path) => (path === "" ? { ...deployed } : null));
  onTestFinished(() => {
    deployed.modules = {};
    realms.renew();
  });
  const lines: string[] = [];
  const strays: unknown[] = [];
  const refuse = (): never => {
    throw new Error("no syscall here");
  };
  const run: RunOfRealm = {
    host: { syscall: refuse, asyncSyscall: refuse, jsSyscall: refuse },
    log: (_level, text) => lines.push(text),
    onStrayError: (error) => strays.push(error),
  };
  const call = async (modulePath = "m.js"): Promise<unknown> => {
    const taken = realms.take("", modulePath, { ...deployed });
    taken.begin(run);
    const json = await taken.realm.call(modulePath, "run", "invokeAction", ["request", "[{}]"]);
    taken.realm.dispose();
    return JSON.parse(json);
  };
  return { deployed, realms, lines, strays, run, call };
}

test("two wait for a module that was called, with the module evaluated, and each serves one run", async () => {
  const { realms, call, lines } = await waiting(
    `let runs = 0; console.log("evaluated")`,
    `console.log("called"); return ++runs`,
  );
  for (let calls = 0; calls < 3; calls++) {
    expect(await call()).toBe(1);
    await expect.poll(() => realms.count).toBe(2);
  }
  const before = realms.take("", "m.js", (await waiting("")).deployed);
  before.realm.dispose();
  expect(lines).toEqual(["'evaluated'", "'called'", "'evaluated'", "'called'", "'evaluated'", "'called'"]);
});

test("what was evaluated before its run tells it what it printed and what went astray, once it begins", async () => {
  const { realms, run, lines, strays, deployed } = await waiting(
    `console.log("early"); void (async () => { throw new Error("astray") })()`,
  );
  const owners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const { catchStrayErrors } = await import("../../../embedded/runner/strayErrors.ts");
  catchStrayErrors((error) => strays.push("unowned", error));
  realms.expect("", "m.js");
  await expect.poll(() => realms.count).toBe(2);
  expect([lines, strays]).toEqual([[], []]);
  realms.take("", "m.js", deployed).begin(run);
  expect(lines).toEqual(["'early'"]);
  expect(strays).toEqual([expect.objectContaining({ message: "astray" })]);
  process.removeAllListeners("unhandledRejection");
  process.removeAllListeners("uncaughtException");
  for (const owner of owners) process.on("unhandledRejection", owner);
});

test("a module sees the time of its deployment while it is evaluated, and the real one in its run", async () => {
  const { call } = await waiting(
    `const at = [Date.now(), new Date().getTime()]`,
    `return [...at, Date.now() > 5, new Date().getTime() > 5]`,
  );
  expect(await call()).toEqual([5, 5, true, true]);
});

test.each([
  ["setTimeout", `setTimeout(() => {}, 1)`],
  ["fetch", `fetch("http://127.0.0.1:1")`],
])("%s is refused while a module is evaluated, also before there is a run", async (name, setup) => {
  const { realms, call } = await waiting(setup);
  await expect(call()).rejects.toThrow(`${name} unsupported at import time`);
  await expect.poll(() => realms.count).toBe(2);
  await expect(call()).rejects.toThrow(`${name} unsupported at import time`);
});

test("other code and another environment never meet a realm that waited for the former", async () => {
  const { deployed, realms, call } = await waiting("", `return process.env.KIND`);
  expect(await call()).toBe("first");
  await expect.poll(() => realms.count).toBe(2);
  deployed.env = { KIND: "second" };
  expect(await call()).toBe("second");
  realms.renew();
  expect(realms.count).toBe(0);
  await expect.poll(() => realms.count).toBe(2);
});

test("few wait, for the modules that were called last", async () => {
  const { deployed, realms } = await waiting("");
  const code = Object.values(deployed.modules)[0]!;
  for (let index = 0; index < 10; index++) {
    deployed.modules = { ...deployed.modules, [`m${index}.js`]: code };
    realms.expect("", `m${index}.js`);
  }
  await expect.poll(() => realms.count).toBe(8);
  realms.expect("", "m0.js");
  expect(realms.count).toBeLessThanOrEqual(8);
});

test("a push and a change of a variable reach the next run", async () => {
  const env = { KIND: "first" };
  const module = (text: string): string => moduleWith("", `return ["${text}", process.env.KIND]`);
  const actions = await startActions({ "m.ts": module("old") }, { env });
  onTestFinished(() => actions.pool.close());
  const value = async (): Promise<unknown> => {
    const result = await actions.run("m.js:run");
    return result.status === "success" ? JSON.parse(result.valueJson) : result.message;
  };
  expect(await value()).toEqual(["old", "first"]);
  env.KIND = "second";
  actions.pool.setEnvironment();
  expect(await value()).toEqual(["old", "second"]);
  await actions.push({ "m.ts": module("new") });
  expect(await value()).toEqual(["new", "second"]);
});
