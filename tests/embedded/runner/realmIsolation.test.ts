import { expect, test } from "vitest";
import { bundleModules } from "../../support/pushedApp.ts";
import { queryValue, testRealm } from "../../support/testRealm.ts";

test("nothing a run leaves behind is seen by the next", async () => {
  const modules = await bundleModules({
    "m.ts": `import { queryGeneric as query } from "convex/server";
      let runs = 0;
      export const q = query({ handler: async () => {
        const before = [runs, (globalThis as any).left, ([] as any).left, ({} as any).left, (process.env as any).LEFT, Math.max(1, 2)];
        runs++;
        (globalThis as any).left = (Array.prototype as any).left = (Object.prototype as any).left = "left";
        process.env.LEFT = "left";
        Math.max = () => 0;
        return before.map((value) => value ?? null);
      } });`,
  });
  const run = (): unknown => {
    const outcome = testRealm(modules).runStep("m.js", "q", "invokeQuery", "[{}]");
    return outcome.status === "returned" ? JSON.parse(outcome.valueJson) : outcome;
  };
  expect(run()).toEqual([0, null, null, null, null, 2]);
  expect(run()).toEqual([0, null, null, null, null, 2]);
});

test("the host's globals are out of reach by name", async () => {
  const names = `["require", "module", "global", "Buffer", "setImmediate", "window", "navigator"]`;
  expect(await queryValue(`return ${names}.filter((name) => name in globalThis)`)).toEqual([]);
  expect(await queryValue(`return Object.keys(process)`)).toEqual(["env"]);
});

test("objects made by the host are instances of the realm's classes", async () => {
  const body = `
    let caught; try { new URL("no url"); } catch (error) { caught = error; }
    class Own extends Error {}
    const clone = structuredClone({ list: [1], map: new Map() });
    return [caught instanceof Error, caught instanceof TypeError, caught instanceof RangeError, caught instanceof Own,
      clone.list instanceof Array, clone.map instanceof Map, clone instanceof Object,
      new TextEncoder().encode("a") instanceof Uint8Array, new Own() instanceof Own, new Own() instanceof Error]`;
  expect(await queryValue(body)).toEqual([true, true, false, false, true, true, true, true, true, true]);
});

test("bytes pass as Convex values", async () => {
  expect(await queryValue(`return new TextEncoder().encode("hi").buffer`)).toEqual({ $bytes: "aGk=" });
});

test("a Response without a body may be given the empty string, as on Convex", async () => {
  expect(
    await queryValue(`return [204, 205, 304].map((status) => new Response("", { status }).status)`),
  ).toEqual([204, 205, 304]);
  expect(await queryValue(`return new Response("x") instanceof Response`)).toBe(true);
});

test("environment variables are the deployment's", async () => {
  expect(
    await queryValue(`return [process.env.KEY, process.env.HOME ?? null]`, { env: { KEY: "value" } }),
  ).toEqual(["value", null]);
});

test("a syscall's answer and its error arrive inside the realm", async () => {
  const body = `
    const name = await ctx.auth.getUserIdentity();
    try { await ctx.runQuery("m:fails"); } catch (error) { return [name, error instanceof Error, error.constructor.name, error.data]; }`;
  const asyncSyscall = (op: string): string => {
    if (op === "1.0/getUserIdentity") return `"somebody"`;
    throw Object.assign(new Error("it failed"), { data: { kind: "failed" } });
  };
  expect(await queryValue(body, { host: { asyncSyscall } })).toEqual([
    "somebody",
    true,
    "ConvexError",
    { kind: "failed" },
  ]);
});

test.each([
  `return "\\ud800"`,
  `return { deep: ["a\\udc00b"] }`,
  `await ctx.runQuery("m:q", { text: "\\ud83d" })`,
])("half a surrogate pair is refused: %s", async (body) => {
  expect(await queryValue(body, { host: { asyncSyscall: () => "null" } })).toContain(
    "half of a surrogate pair",
  );
});

test("whole surrogate pairs and the text of an escape are fine", async () => {
  expect(await queryValue(String.raw`return ["😀", "\\ud800"]`)).toEqual(["😀", "\\ud800"]);
});

test("console lines look like Convex's", async () => {
  const log: string[] = [];
  await queryValue(
    `console.log("it's", 1, { a: [1, "b"] }, null); console.warn(new Map([["k", 1]])); console.error("line\\nbreak"); console.debug(); console.info(undefined)`,
    { log },
  );
  expect(log).toEqual([
    `[LOG] 'it\\'s' 1 { a: [ 1, 'b' ] } null`,
    "[WARN] Map(1) { 'k' => 1 }",
    `[ERROR] 'line\\nbreak'`,
    "[DEBUG] ",
    "[INFO] undefined",
  ]);
});

test("an error names the pushed file and line, and a ConvexError carries its data", async () => {
  const modules = await bundleModules({
    "m.ts": `import { queryGeneric as query } from "convex/server";\nimport { fail } from "./fail";\nexport const q = query({ handler: async () => {\n  fail();\n} });`,
    "fail.ts": `import { ConvexError } from "convex/values";\n\nexport function fail(): never {\n  throw new ConvexError({ kind: "notFound", id: 7n });\n}`,
  });
  const outcome = testRealm(modules).runStep("m.js", "q", "invokeQuery", "[{}]");
  if (outcome.status !== "threw") throw new Error(outcome.status);
  expect(outcome.message).toMatch(/^Uncaught ConvexError: .*notFound/);
  expect(outcome.message).toContain("at fail (app:fail.ts:4:");
  expect(outcome.message).toMatch(/at handler \(app:m\.ts:4:\d+\)|at app:m\.ts:4/);
  expect(outcome.message).not.toContain("node_modules/convex");
  expect(JSON.parse(outcome.dataJson!)).toEqual({ kind: "notFound", id: { $integer: "BwAAAAAAAAA=" } });
});

test.each([
  ["throw 'text'", "Uncaught text"],
  ["throw null", "Uncaught null"],
  ["throw Object.create(null)", "Uncaught Error"],
])("whatever is thrown is described: %s", async (body, message) => {
  expect(await queryValue(body)).toContain(message);
});
