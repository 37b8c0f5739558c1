/** Environment variables, set by the CLI and seen by functions. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

const name = "CONFORMANCE_GREETING";
let app: TestApp;

beforeAll(async () => {
  app = await openApp("environment");
});
afterAll(async () => {
  for (const variable of [name, "CONFORMANCE_A", "CONFORMANCE_B"]) {
    await app.cli.run(["env", "remove", variable]);
  }
  await app.close();
});

const set = (value: string): Promise<unknown> => app.cli.run(["env", "set", name, value]);

test("queries, mutations, actions and module scope see a variable, and its removal", async () => {
  await set("good day");
  expect(await app.query("vars:get", { name })).toBe("good day");
  expect(await app.mutation("vars:inMutation")).toBe("good day");
  expect(await app.action("vars:inAction")).toBe("good day");
  expect(await app.query("vars:whenLoaded")).toBe("good day");
  await app.cli.run(["env", "remove", name]);
  expect(await app.query("vars:get", { name })).toBeNull();
  expect(await app.action("vars:inAction")).toBeNull();
});

test("a subscription that read a variable follows its change", async () => {
  const seen = watch<string | null>(app.connect(), "vars:get", { name });
  await seen.reached((value) => value === null);
  await set("changed");
  expect(await seen.reached((value) => value !== null)).toBe("changed");
});

test("get prints the value alone, list all names and values", async () => {
  await set("with spaces and = signs");
  expect((await app.cli.run(["env", "get", name])).stdout).toBe("with spaces and = signs\n");
  const list = await app.cli.run(["env", "list", "--include-values"]);
  expect(list.stdout).toContain(`${name}=`);
  expect(list.stdout).toContain("with spaces and = signs");
  expect((await app.cli.run(["env", "list", "--names-only"])).stdout).not.toContain("with spaces");
});

test("a value comes from stdin, so that it stays out of the shell's history", async () => {
  const { exitCode } = await app.cli.run(["env", "set", name], "from stdin\n");
  expect(exitCode).toBe(0);
  expect(await app.query("vars:get", { name })).toBe("from stdin");
});

test("a value, or many variables, come from a file", async () => {
  writeFileSync(join(app.folder, "value.txt"), "several\nlines\n");
  await app.cli.run(["env", "set", name, "--from-file", "value.txt"]);
  expect(await app.query("vars:get", { name })).toContain("several\nlines");
  writeFileSync(join(app.folder, "many.env"), 'CONFORMANCE_A=1\nCONFORMANCE_B="two words"\n');
  const { exitCode } = await app.cli.run(["env", "set", "--from-file", "many.env"]);
  expect(exitCode).toBe(0);
  expect(await app.query("vars:get", { name: "CONFORMANCE_A" })).toBe("1");
  expect(await app.query("vars:get", { name: "CONFORMANCE_B" })).toBe("two words");
});

test("many variables change none that has another value, unless forced", async () => {
  await set("mine");
  writeFileSync(join(app.folder, "other.env"), `${name}=other\nCONFORMANCE_A=changed\n`);
  const refused = await app.cli.run(["env", "set", "--from-file", "other.env"]);
  expect(refused.exitCode).toBe(1);
  expect(await app.query("vars:get", { name })).toBe("mine");
  const forced = await app.cli.run(["env", "set", "--force", "--from-file", "other.env"]);
  expect(forced.exitCode).toBe(0);
  expect(await app.query("vars:get", { name })).toBe("other");
});

test("a name that is none is refused with the rule", async () => {
  const { exitCode, stderr } = await app.cli.run(["env", "set", "9LIVES", "x"]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/9LIVES/);
});

test("the deployment's own addresses are there", async () => {
  expect(await app.query("vars:builtIn")).toEqual([app.target.url, app.target.siteUrl]);
});

test("get of a variable that is not set says so", async () => {
  const { stdout, stderr } = await app.cli.run(["env", "get", "CONFORMANCE_UNSET"]);
  expect(stdout).toBe("");
  expect(stderr).toContain('Environment variable "CONFORMANCE_UNSET" not found');
});
