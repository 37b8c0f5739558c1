import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { compileModules, ModuleRefused, type ModuleSource } from "../../../embedded/runner/compileModules.ts";
import { analysisRealm } from "../../support/testRealm.ts";

const isolate = (path: string, source: string): ModuleSource => ({ path, source, environment: "isolate" });

async function load(sources: Record<string, string>) {
  const modules = await compileModules(
    Object.entries(sources).map(([path, source]) => isolate(path, source)),
  );
  return analysisRealm(Object.fromEntries(modules.map((module) => [module.path, module])));
}

test("modules that import each other see each other's functions and later values", async () => {
  const realm = await load({
    "a.js": `import { b, seen } from "./_deps/b.js"; export let count = 1; export function run() { count = 2; return [b(), seen]; }`,
    "_deps/b.js": `import { count } from "../a.js"; export const b = () => count; export const seen = typeof run; import { run } from "../a.js";`,
  });
  expect((realm.importModule("a.js")["run"] as () => unknown)()).toEqual([2, "function"]);
});

test("a value read too early in a cycle is refused as in any ES module", async () => {
  const realm = await load({
    "a.js": `import "./b.js"; export const value = 1;`,
    "b.js": `import { value } from "./a.js"; export const copy = value;`,
  });
  expect(() => realm.importModule("a.js")).toThrow("before initialization");
});

test("a module that threw throws the same error at the second import", async () => {
  const realm = await load({ "a.js": `export const x = 1; throw new Error("broken " + Math.random());` });
  const attempt = (): string => {
    try {
      realm.importModule("a.js");
      return "loaded";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(attempt()).toMatch(/^broken/);
  expect(attempt()).toBe(attempt());
});

test("each module is evaluated once, default, renamed, star and re-exports arrive", async () => {
  const realm = await load({
    "main.js": `import d, { n as m } from "./lib.js"; import * as ns from "./lib.js"; export { n } from "./lib.js"; export * from "./more.js"; export const all = [d, m, ns.n];`,
    "lib.js": `export default "d"; export const n = {};`,
    "more.js": `export const more = 3;`,
  });
  const main = realm.importModule("main");
  expect(main["all"]).toEqual(["d", {}, {}]);
  expect((main["all"] as unknown[])[1]).toBe(main["n"]);
  expect(main["more"]).toBe(3);
});

test("import.meta.url names the module, and modules are strict", async () => {
  const realm = await load({
    "dir/m.js": `export const url = import.meta.url; export const self = (function () { return this; })();`,
  });
  const { url, self } = realm.importModule("dir/m.js");
  expect(url).toBe("convex:/dir/m.js");
  expect(self).toBeUndefined();
});

test("what was not pushed cannot be required", async () => {
  const realm = await load({
    "a.js": `import "./gone.js";`,
    "b.js": `import fs from "node:fs"; export const x = fs;`,
  });
  expect(() => realm.importModule("a.js")).toThrow(`Could not find module "gone.js"`);
  expect(() => realm.importModule("b.js")).toThrow(`Dynamic require of "node:fs" is not supported`);
});

test("top-level await, `use node` and syntax errors are refused with the place and a remedy", async () => {
  const refusal = (source: ModuleSource): Promise<unknown> =>
    compileModules([source]).catch((error: unknown) => error);
  const awaiting = await refusal(isolate("a.js", "export const a = 1;\nawait a;"));
  expect(awaiting).toBeInstanceOf(ModuleRefused);
  expect((awaiting as Error).message).toBe(
    "a.js:2:1 uses top-level await, which Convex modules cannot. Move the await into a function.",
  );
  expect(((await refusal({ ...isolate("n.js", ""), environment: "node" })) as Error).message).toContain(
    '"use node"',
  );
  expect(((await refusal(isolate("s.js", "export const = 1"))) as Error).message).toMatch(
    /^s\.js:1:14 could not be compiled/,
  );
});

test("the hash is the CLI's: SHA-256 over source and source map", async () => {
  const map = JSON.stringify({ version: 3, sources: ["a.ts"], names: [], mappings: "AAAA" });
  const [module] = await compileModules([{ ...isolate("a.js", "export {};"), sourceMap: map }]);
  expect(module?.sha256).toBe(createHash("sha256").update(`export {};${map}`).digest("hex"));
});
