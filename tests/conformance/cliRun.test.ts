/** `convex run`, `data` and `function-spec`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CliOutcome } from "../support/convexCli.ts";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("cli");
});
afterAll(() => app.close());

const cli = (...args: string[]): Promise<CliOutcome> => app.cli.run(args);

/** What a successful `run` printed. */
async function resultOf(...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await cli("run", ...args);
  if (exitCode !== 0) throw new Error(`run ${args.join(" ")} failed:\n${stderr}`);
  return stdout === "" ? null : JSON.parse(stdout);
}

describe("run", () => {
  test("takes arguments as JSON, or as one would write an object, and prints the result", async () => {
    const bag = freshName("run");
    expect(await resultOf("notes:add", JSON.stringify({ bag, text: "one" }))).toBeNull();
    expect(await resultOf("notes:list", `{ bag: '${bag}' }`)).toEqual(["one"]);
  });

  test("finds a function by every way to write its name", async () => {
    const args = ['{ "text": "hi" }'];
    for (const name of ["notes:shout", "api.notes.shout", "convex/notes.ts:shout"]) {
      expect(await resultOf(name, ...args)).toBe("HI");
    }
    expect(await resultOf("notes")).toBe("the default export");
  });

  test("calls internal functions and prints values of every kind in Convex's JSON", async () => {
    expect(await resultOf("notes:secret")).toEqual({
      big: { $integer: "BwAAAAAAAAA=" },
      bytes: { $bytes: "AAA=" },
    });
  });

  test("shows the log lines of the call on stderr", async () => {
    const { stderr } = await cli("run", "notes:shout", '{ "text": "x" }');
    expect(stderr).toContain("shouting");
  });

  test("of a failing function ends with 1 and its error, on stderr alone", async () => {
    const { exitCode, stdout, stderr } = await cli("run", "notes:fails");
    expect(exitCode).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("Uncaught Error: this query fails");
    const custom = await cli("run", "notes:fails", '{ "custom": true }');
    expect(custom.exitCode).toBe(1);
    expect(custom.stderr).toContain("custom");
  });

  test("with wrong arguments says what is wrong with them", async () => {
    const { exitCode, stderr } = await cli("run", "notes:shout", '{ "text": 1 }');
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ArgumentValidationError");
  });

  test("of a function that does not exist lists those that do", async () => {
    const { exitCode, stderr } = await cli("run", "notes:nowhere");
    expect(exitCode).toBe(1);
    for (const name of ["notes:shout", "notes:secret", "notes:list"]) {
      expect(stderr).toContain(name);
    }
  });

  test("--identity acts as that user", async () => {
    const identity = JSON.stringify({
      name: "Ann",
      email: "ann@example.com",
      subject: "a1",
      issuer: "https://i",
    });
    expect(await resultOf("notes:whoAmI", "--identity", identity)).toMatchObject({
      name: "Ann",
      email: "ann@example.com",
      subject: "a1",
      issuer: "https://i",
    });
    expect(await resultOf("notes:whoAmI")).toBeNull();
  });

  test("--component calls a function of a component, and lists a component's functions", async () => {
    await resultOf("sheets:add", '{ "text": "x" }', "--component", "drawer");
    expect(await resultOf("sheets:count", "--component", "drawer")).toBeGreaterThan(0);
    const { stderr } = await cli("run", "sheets:nowhere", "--component", "drawer");
    expect(stderr).toContain("sheets:add");
  });

  test("--watch prints each new result until it is interrupted", async () => {
    const bag = freshName("watch");
    const watching = app.cli.start(["run", "notes:list", JSON.stringify({ bag }), "--watch"]);
    await watching.printed((output) => output.includes("[]"));
    await app.mutation("notes:add", { bag, text: "seen at once" });
    await watching.printed((output) => output.includes("seen at once"));
    const { stderr } = await watching.interrupt();
    expect(stderr).toContain("Closing connection");
  });

  test("--push pushes the code first", async () => {
    app.writeFile(
      "convex/pushed.ts",
      `import { query } from "./_generated/server.js";
       export const answer = query({ args: {}, handler: async () => "from pushed code" });`,
    );
    expect(await resultOf("pushed:answer", "--push", "--typecheck", "disable")).toBe("from pushed code");
  });
});

describe("run --inline-query", () => {
  const inline = (text: string, ...more: string[]): Promise<unknown> =>
    resultOf("--inline-query", text, ...more);

  test("evaluates an expression", async () => {
    const bag = freshName("inline");
    await app.mutation("notes:add", { bag, text: "inline" });
    expect(
      await inline(
        `(await ctx.db.query("cli_notes").withIndex("by_bag", (q) => q.eq("bag", "${bag}")).collect()).length`,
      ),
    ).toBe(1);
  });

  test("evaluates statements, with their log lines", async () => {
    const { stdout, stderr } = await cli(
      "run",
      "--inline-query",
      'const x = 20; console.log("hello"); return x + 1;',
    );
    expect(JSON.parse(stdout)).toBe(21);
    expect(stderr).toContain("hello");
  });

  test("evaluates a module", async () => {
    expect(await inline("export default query({ args: {}, handler: async (ctx) => [1, 2] })")).toEqual([
      1, 2,
    ]);
  });

  test("reads inside a component", async () => {
    await resultOf("sheets:add", '{ "text": "x" }', "--component", "drawer");
    expect(await inline('(await ctx.db.query("sheets").collect()).length > 0', "--component", "drawer")).toBe(
      true,
    );
  });

  test("cannot write, and leaves nothing behind", async () => {
    const { exitCode, stderr } = await cli("run", "--inline-query", 'await ctx.db.insert("cli_notes", {})');
    expect(exitCode).toBe(1);
    expect(stderr).toContain("is not a function");
    await expect(app.query("testQuery:default")).rejects.toThrow("Could not find public function");
  });

  test("of text that is not JavaScript, or no query, says so", async () => {
    const broken = await cli("run", "--inline-query", "1 +* 2");
    expect(broken.exitCode).toBe(1);
    expect(broken.stderr).toContain("testQuery.js");
    const thrown = await cli("run", "--inline-query", 'throw new Error("not today")');
    expect(thrown.exitCode).toBe(1);
    expect(thrown.stderr).toContain("not today");
  });
});

describe("data", () => {
  beforeAll(async () => {
    await resultOf("notes:clear");
    await app.mutation("notes:add", { bag: "data", text: "oldest", value: 1n });
    await app.mutation("notes:add", { bag: "data", text: "middle", value: [1.5, null] });
    await app.mutation("notes:add", { bag: "data", text: "newest", value: { nested: "yes" } });
  });

  const order = (stdout: string): string[] => stdout.match(/oldest|middle|newest/g) ?? [];

  test("lists the tables", async () => {
    const { stdout } = await cli("data");
    expect(stdout.split("\n")).toEqual(expect.arrayContaining(["cli_notes"]));
    expect((await cli("data", "--component", "drawer")).stdout.trim()).toBe("sheets");
  });

  test("shows a table, newest first, as a table", async () => {
    const { stdout } = await cli("data", "cli_notes");
    expect(stdout).toMatch(/^_id +\| _creationTime +\| bag +\| text/);
    expect(order(stdout)).toEqual(["newest", "middle", "oldest"]);
  });

  test("--order and --limit choose the rows, and say when there are more", async () => {
    const { stdout, stderr } = await cli("data", "cli_notes", "--order", "asc", "--limit", "2");
    expect(order(stdout)).toEqual(["oldest", "middle"]);
    expect(stderr).toContain("Showing the 2 oldest created documents");
  });

  test("--format chooses JSON of one line or of an array, with Convex's values", async () => {
    const lines = await cli("data", "cli_notes", "--format", "jsonl");
    expect(lines.stdout.trim().split("\n")).toHaveLength(3);
    expect(lines.stdout).toContain('"value": 1n');
    const array = await cli("data", "cli_notes", "--format", "jsonArray", "--limit", "1");
    expect(JSON.parse(array.stdout)).toMatchObject([{ text: "newest", value: { nested: "yes" } }]);
  });

  test("a table without documents, and one that is not there, are said to be empty", async () => {
    for (const table of ["cli_empty", "cli_nowhere"]) {
      expect((await cli("data", table)).stderr).toContain("There are no documents in this table.");
    }
  });

  test("shows system tables", async () => {
    const { exitCode, stderr } = await cli("data", "_scheduled_functions");
    expect(exitCode).toBe(0);
    expect(stderr).toContain("There are no documents in this table.");
  });
});

describe("function-spec", () => {
  interface Spec {
    url: string;
    functions: { identifier?: string; functionType: string; path?: string; method?: string }[];
  }

  test("describes every function and route, with arguments and results", async () => {
    const { stdout } = await cli("function-spec");
    const { url, functions } = JSON.parse(stdout) as Spec;
    expect(url).toBe(app.target.url);
    expect(functions).toContainEqual({
      identifier: "notes.js:list",
      functionType: "Query",
      visibility: { kind: "public" },
      args: { type: "object", value: { bag: { fieldType: { type: "string" }, optional: false } } },
      returns: { type: "array", value: { type: "string" } },
    });
    expect(functions).toContainEqual(
      expect.objectContaining({ identifier: "notes.js:clear", visibility: { kind: "internal" } }),
    );
    expect(functions).toContainEqual({ functionType: "HttpAction", method: "GET", path: "/ping" });
  });

  test("--file writes it", async () => {
    await cli("function-spec", "--file");
    const file = readdirSync(app.folder).find((name) => name.startsWith("function_spec_"));
    const { functions } = JSON.parse(readFileSync(join(app.folder, file ?? ""), "utf8")) as Spec;
    expect(functions.length).toBeGreaterThan(5);
  });
});
