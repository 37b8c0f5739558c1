import { expect, test } from "vitest";
import type { StepOutcome } from "../../../embedded/protocol/realm.ts";
import { KeptRealm } from "../../../embedded/runner/keptRealm.ts";
import { bundleModules } from "../../support/pushedApp.ts";
import { queries, stepCalls } from "../../support/stepRealmFixture.ts";

test("kept realms leave the language of the host as it is", () => {
  const state = (): unknown =>
    [Object, Function, Error].map(({ prototype }) =>
      Object.entries(Object.getOwnPropertyDescriptors(prototype)).map(
        ([name, { configurable, writable }]) => `${name} ${configurable} ${writable}`,
      ),
    );
  const before = state();
  for (let realms = 0; realms < 2; realms++) expect(new KeptRealm().isClean).toBe(true);
  expect(state()).toEqual(before);
  expect(Object.isExtensible(Function.prototype)).toBe(true);
  const value: Record<string, unknown> = {};
  value["constructor"] = "a field";
  expect(value).toEqual({ constructor: "a field" });
});

test("module state is new in each run", async () => {
  const { call, attempts, log } = await stepCalls({
    "m.ts": queries(
      { count: `list.push(1); seen.add(++runs); return [runs, list.length, seen.size, Counter.made++]` },
      `let runs = 0; const list: number[] = []; const seen = new Set(); class Counter { static made = 0 }`,
    ),
  });
  for (let run = 0; run < 3; run++) expect(call("m:count")).toEqual([1, 1, 1, 0]);
  expect([attempts(), log]).toEqual([3, []]);
});

test("a global that a run sets is its own", async () => {
  const { call, log } = await stepCalls({
    "m.ts": queries({
      set: `globalThis.__left = (globalThis.__left ?? 0) + 1; self[Symbol.for("left")] = 1; return [globalThis.__left, self.__left]`,
      read: `return [typeof globalThis.__left, globalThis[Symbol.for("left")] ?? null, globalThis === self, globalThis.globalThis === self]`,
    }),
  });
  expect(call("m:set")).toEqual([1, 1]);
  expect(call("m:set")).toEqual([1, 1]);
  expect(call("m:read")).toEqual(["undefined", null, true, true]);
  expect(log).toEqual([]);
});

test("what belongs to a run can be changed, for that run", async () => {
  const { call, log } = await stepCalls({
    "m.ts": queries({
      change: `process.env.KIND = "changed"; console.log = () => {}; process.extra = 1; Error.stackTraceLimit = 1;
        /secret/.test("a secret"); Error.prototype.constructor = Object; return [process.env.KIND, Error.stackTraceLimit]`,
      read: `return [process.env.KIND, process.extra ?? null, Error.stackTraceLimit, RegExp.lastMatch, RegExp.input, Error.prototype.constructor === Error, String(console.log).includes("=> {}")]`,
    }),
  });
  expect(call("m:change")).toEqual(["changed", 1]);
  expect(call("m:read")).toEqual(["test", null, 10, "", "", true, false]);
  expect(log).toEqual([]);
});

const builtIns = [
  "Object.prototype",
  "Array.prototype",
  "Function.prototype",
  "String.prototype",
  "Promise.prototype",
  "Map.prototype",
  "RegExp.prototype",
  "Error.prototype",
  "Date",
  "Math",
  "JSON",
  "Intl",
  "Reflect",
  "Symbol",
  "crypto",
  "crypto.subtle",
  "performance",
  "Object.getPrototypeOf(function* () {})",
  "Object.getPrototypeOf(function* () {}).prototype",
  "Object.getPrototypeOf(async function () {})",
  "Object.getPrototypeOf(async function* () {}).prototype",
  "Object.getPrototypeOf([][Symbol.iterator]())",
  "Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))",
  "Object.getPrototypeOf(new Map().entries())",
  "Object.getPrototypeOf(''.matchAll(/a/g))",
  "Object.getPrototypeOf([].values().map((x) => x))",
  "Object.getPrototypeOf(Int8Array)",
  "Uint8Array.prototype",
  "Object.getPrototypeOf(Uint8Array.prototype)",
  "Object.getPrototypeOf(new Uint8Array()[Symbol.iterator]())",
  "ArrayBuffer.prototype",
  "DataView.prototype",
  "URL",
  "URL.prototype",
  "URLSearchParams.prototype",
  "Headers.prototype",
  "EventTarget.prototype",
  "TextEncoder.prototype",
  "structuredClone",
  "fetch",
  "queueMicrotask",
  "WeakRef.prototype",
];

test.each(builtIns)("a property put on %s is gone in the next run", async (builtIn) => {
  const { call } = await stepCalls({
    "m.ts": queries({
      // Reflect says false where an assignment would throw: what such code does next is its own business.
      leave: `return [Reflect.set(${builtIn}, "left", 1), Reflect.defineProperty(${builtIn}, "alsoLeft", { value: 1, configurable: true })]`,
      find: `return ["left" in ${builtIn}, "alsoLeft" in ${builtIn}]`,
    }),
  });
  call("m:leave");
  expect(call("m:find")).toEqual([false, false]);
});

test("what a former run does late reaches nothing, even in the same realm", async () => {
  const modules = await bundleModules({
    "m.ts": queries({
      leave: `void new Response("").text().then(() => { console.log("late"); void Convex.asyncSyscall("late", "{}"); try { Convex.syscall("late", "{}") } catch (error) { console.log(error) } }); return 1`,
      later: `await 1; await 1; return 2`,
    }),
  });
  const realm = new KeptRealm();
  const asked: string[] = [];
  const logged: string[] = [];
  const run = (exportName: string): StepOutcome =>
    realm.run(
      modules,
      {
        environment: "query",
        host: {
          syscall: (op) => (asked.push(op), "null"),
          asyncSyscall: (op) => (asked.push(op), "null"),
          jsSyscall: () => undefined,
        },
        env: {},
        log: (_, text) => logged.push(text),
        nowMs: 0,
        randomSeed: "",
      },
      { path: "m.js", exportName, method: "invokeQuery", argsJson: "[{}]" },
    ).outcome;
  expect(run("leave")).toEqual({ status: "returned", valueJson: "1" });
  await new Promise(setImmediate);
  expect(run("later")).toEqual({ status: "returned", valueJson: "2" });
  expect([asked, logged, realm.isClean]).toEqual([[], [], false]);
});

test("a promise that a former run left pending is not settled in a later one", async () => {
  const { call, logLines, log } = await stepCalls({
    "m.ts": queries({
      leave: `void new Response("late").text().then(() => { console.log("late"); for (;;) {} }); return "left"`,
      later: `await 1; return "done"`,
    }),
  });
  expect(call("m:leave")).toBe("left");
  await new Promise(setImmediate);
  expect(call("m:later")).toBe("done");
  expect(logLines).toEqual([]);
  expect(log).toEqual([expect.stringContaining("it uses Response, which may answer after its end")]);
});

test("a realm in which a loop was ended is not used again", async () => {
  const { call } = await stepCalls(
    { "m.ts": queries({ loop: `await 1; for (;;) {}`, fine: `await 1; return "fine"` }) },
    {},
    { firstWallMs: 30, longestWallMs: 30 },
  );
  expect(call("m:loop")).toBe("timedOut");
  expect(call("m:fine")).toBe("fine");
});

test("clock and randomness are those of the run", async () => {
  const { call } = await stepCalls({
    "m.ts": queries({
      read: `const d = new Date(); return [d.getTime(), Date.now(), performance.timeOrigin, Math.random(), crypto.randomUUID(), d.constructor === Date, d instanceof Date]`,
    }),
  });
  const first = call("m:read") as unknown[];
  const now = Date.UTC(2026, 0, 2);
  expect(first.slice(0, 3)).toEqual([now, now, now]);
  expect(first.slice(5)).toEqual([true, true]);
  expect(call("m:read")).toEqual(first);
});

test("code from strings is refused, as on Convex", async () => {
  const { call } = await stepCalls({
    "m.ts": queries({ evaluate: `return eval("1")`, make: `return new Function("return 1")()` }),
  });
  expect(call("m:evaluate")).toContain("Code generation from strings disallowed for this context");
  expect(call("m:make")).toContain("Code generation from strings disallowed for this context");
});
