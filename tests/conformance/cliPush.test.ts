/** `convex dev`, `deploy`, `codegen` and `logs`: what they change, what they print, what they leave alone. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CliOutcome } from "../support/convexCli.ts";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("cli");
});
afterAll(() => app.close());

const cli = (...args: string[]): Promise<CliOutcome> => app.cli.run(args);

function writeVersion(version: string): void {
  app.writeFile(
    "convex/version.ts",
    `import { query } from "./_generated/server.js";
     export const current = query({ args: {}, handler: async () => "${version}" });`,
  );
}

describe("deploy", () => {
  test("writes the types of functions and components", () => {
    expect(app.readFile("convex/_generated/api.d.ts")).toContain("drawer");
    expect(app.readFile("convex/_generated/dataModel.d.ts")).toContain("DataModel");
  });

  test("--dry-run says what it would do and changes nothing", async () => {
    writeVersion("never deployed");
    const schema = app.readFile("convex/schema.ts");
    app.writeFile(
      "convex/schema.ts",
      schema.replace(
        "cli_empty: defineTable({})",
        'cli_empty: defineTable({ a: v.any() }).index("by_a", ["a"])',
      ),
    );
    const { exitCode, stderr } = await cli(
      "deploy",
      "--dry-run",
      "--typecheck",
      "disable",
      "--codegen",
      "disable",
    );
    app.writeFile("convex/schema.ts", schema);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("Would have deployed");
    expect(stderr).toMatch(/Would add table indexes:\s+\[\+\] cli_empty\.by_a/);
    await expect(app.query("version:current")).rejects.toThrow("Could not find public function");
  });

  test("--cmd runs a command with the deployment's address, and deploys after it", async () => {
    writeVersion("deployed after the build");
    const { exitCode, stdout, stderr } = await cli(
      "deploy",
      "--cmd",
      "node -e 'console.log(`built for ${process.env.BACKEND}`)'",
      "--cmd-url-env-var-name",
      "BACKEND",
      "--typecheck",
      "disable",
    );
    expect(exitCode).toBe(0);
    expect(stdout + stderr).toContain(`built for ${app.target.url}`);
    expect(await app.query("version:current")).toBe("deployed after the build");
  });

  test("a failing --cmd deploys nothing", async () => {
    const before = await app.query("version:current");
    writeVersion("never deployed");
    const { exitCode } = await cli("deploy", "--cmd", "exit 3", "--typecheck", "disable");
    expect(exitCode).not.toBe(0);
    expect(await app.query("version:current")).toBe(before);
  });

  test("code that does not load is refused with its error and place, and the old code goes on", async () => {
    const before = await app.query("version:current");
    writeVersion("never deployed");
    app.writeFile("convex/broken.ts", 'export const x = 1;\nthrow new Error("not today");\n');
    const { exitCode, stderr } = await app.tryPush();
    app.removeFile("convex/broken.ts");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Failed to analyze broken.js: Uncaught Error: not today");
    expect(stderr).toContain("convex/broken.ts:2");
    expect(await app.query("version:current")).toBe(before);
  });

  test("an open subscription gets the result of the new code", async () => {
    writeVersion("one");
    await app.push();
    const seen = watch<string>(app.connect(), "version:current");
    await seen.reached((version) => version === "one");
    writeVersion("two");
    await app.push();
    expect(await seen.reached((version) => version !== "one")).toBe("two");
  });

  test("a function that is gone from the code is gone from the deployment", async () => {
    writeVersion("here");
    await app.push();
    app.removeFile("convex/version.ts");
    await app.push();
    await expect(app.query("version:current")).rejects.toThrow("Could not find public function");
  });

  test("a wrong admin key is told at once", async () => {
    const { exitCode, stderr } = await cli("deploy", "--admin-key", "wrong|key", "--url", app.target.url);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/admin key/i);
  });
});

test("codegen renews the types from the deployment's view and pushes nothing", async () => {
  app.writeFile(
    "convex/later.ts",
    `import { query } from "./_generated/server.js";
     export const answer = query({ args: {}, handler: async () => 42 });`,
  );
  app.writeFile("convex/_generated/api.d.ts", "");
  const { exitCode } = await cli("codegen", "--typecheck", "disable");
  expect(exitCode).toBe(0);
  expect(app.readFile("convex/_generated/api.d.ts")).toContain("later");
  await expect(app.query("later:answer")).rejects.toThrow("Could not find public function");
  app.removeFile("convex/later.ts");
});

describe("dev", () => {
  test("--once pushes, and writes the addresses for the app", async () => {
    writeVersion("by dev");
    const { exitCode } = await cli("dev", "--once", "--typecheck", "disable");
    expect(exitCode).toBe(0);
    expect(app.readFile(".env.local")).toContain(`CONVEX_URL=${app.target.url}`);
    expect(app.readFile(".env.local")).toContain(`CONVEX_SITE_URL=${app.target.siteUrl}`);
    expect(await app.query("version:current")).toBe("by dev");
  });

  test("watches: an edited file is live, a broken one is told, a mended one is live again", async () => {
    writeVersion("first");
    const dev = app.cli.start(["dev", "--typecheck", "disable"]);
    const seen = watch<string>(app.connect(), "version:current");
    await seen.reached((version) => version === "first");
    writeVersion("second");
    await seen.reached((version) => version === "second");
    app.writeFile("convex/version.ts", 'throw new Error("while editing");\nexport {};\n');
    await dev.printed((output) => output.includes("Uncaught Error: while editing"));
    expect(await app.query("version:current")).toBe("second");
    writeVersion("third");
    await seen.reached((version) => version === "third");
    // Logs of the deployment run along.
    await app.mutation("notes:add", { bag: freshName("dev"), text: "logged by dev" });
    await dev.printed((output) => output.includes("logged by dev"));
    await dev.interrupt();
  });

  test("waits for rows that do not fit, and pushes once they are mended", async () => {
    const bag = freshName("misfit");
    await cli("run", "notes:clear");
    await app.mutation("notes:add", { bag, text: "words" });
    const schema = app.readFile("convex/schema.ts");
    app.writeFile("convex/schema.ts", schema.replace("text: v.string()", "text: v.literal('other words')"));
    const dev = app.cli.start(["dev", "--typecheck", "disable"]);
    await dev.printed((output) => output.includes("Schema validation failed"));
    await cli("run", "notes:clear");
    await dev.printed((output) => output.includes("Convex functions ready!"));
    await dev.interrupt();
    app.writeFile("convex/schema.ts", schema);
    await app.push();
    expect(await app.query("notes:list", { bag })).toEqual([]);
  });
});

describe("logs", () => {
  test("--history shows what was, then follows, with the kind and name of each function", async () => {
    const before = freshName("before");
    await app.mutation("notes:add", { bag: "logs", text: before });
    const logs = app.cli.start(["logs", "--history", "5"]);
    await logs.printed((output) => output.includes(before));
    const during = freshName("during");
    await app.mutation("notes:add", { bag: "logs", text: during });
    await logs.printed((output) => output.includes(during));
    await app.query("notes:fails").catch(() => null);
    await logs.printed((output) => output.includes("this query fails"));
    await fetch(`${app.target.siteUrl}/ping`);
    await logs.printed((output) => output.includes("pinged"));
    const { stdout } = await logs.interrupt();
    expect(stdout).toMatch(new RegExp(`\\[CONVEX M\\(notes:add\\)\\] \\[LOG\\] 'adding' '${during}'`));
    expect(stdout).toMatch(/\[CONVEX Q\(notes:fails\)\] Uncaught Error: this query fails/);
    expect(stdout).toMatch(/\[CONVEX H\(GET \/ping\)\] \[LOG\] 'pinged'/);
    expect(stdout).not.toContain("Function executed in");
  });

  test("--success tells of functions that printed nothing", async () => {
    const logs = app.cli.start(["logs", "--success"]);
    await logs.printed((output) => output.includes("Watching logs"));
    // The first answer only gives it the place to begin from.
    for (;;) {
      await app.mutation("notes:nothing");
      if (logs.output().includes("Function executed in")) break;
    }
    const { stdout } = await logs.interrupt();
    expect(stdout).toMatch(/\[CONVEX M\(notes:nothing\)\] Function executed in \d+ ms/);
  });

  test("--jsonl gives each call as JSON", async () => {
    const logs = app.cli.start(["logs", "--history", "1", "--jsonl"]);
    await logs.printed((output) => output.includes('"kind":"Completion"'));
    const { stdout } = await logs.interrupt();
    expect(JSON.parse(stdout.split("\n")[0]!)).toMatchObject({
      kind: "Completion",
      udfType: "Mutation",
      identifier: "notes:nothing",
      executionTime: expect.any(Number),
      requestId: expect.any(String),
    });
  });
});
