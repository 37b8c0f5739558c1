/** The official, unmodified CLI against a deployment. */
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDeployment, type Deployment } from "../../embedded/deployment.ts";
import { createNotesApp, notes, type NotesApp } from "../support/notesApp.ts";

let app: NotesApp;
let deployment: Deployment;
let client: ConvexHttpClient;

beforeAll(async () => {
  app = createNotesApp();
  deployment = await startDeployment({ dataDir: `${app.folder}/data`, port: 0, sitePort: 0 });
  client = new ConvexHttpClient(deployment.url, { logger: false });
  await app.push(deployment);
});

afterAll(async () => {
  await deployment.close();
  app.remove();
});

test("a push writes the addresses and the types of components", () => {
  expect(app.readFile(".env.local")).toContain(`CONVEX_URL=${deployment.url}`);
  expect(app.readFile(".env.local")).toContain(`CONVEX_SITE_URL=${deployment.siteUrl}`);
  expect(app.readFile("convex/_generated/api.d.ts")).toContain("persistentTextStreaming:");
});

test("a second push sends only what changed, and what runs is the new code", async () => {
  const source = app.readFile("convex/ticks.ts");
  app.writeFile("convex/ticks.ts", source.replace("count: 1", "count: 2"));
  await app.push(deployment);
  await app.convex(deployment, "run", "ticks:tick");
  const { stdout } = await app.convex(deployment, "data", "ticks", "--format", "jsonl");
  expect(stdout).toContain('"count": 2');
});

test("run calls public and internal functions and prints the result", async () => {
  await app.convex(deployment, "run", "notes:add", '{ board: "cli", text: "from the shell" }');
  const { stdout } = await app.convex(deployment, "run", "notes:list", '{ board: "cli" }');
  expect(JSON.parse(stdout)).toEqual(["from the shell"]);
  const internal = await app.convex(deployment, "run", "notes:secretCount");
  expect(Number(internal.stdout)).toBeGreaterThan(0);
});

test("run of a function that does not exist lists those that do", async () => {
  const { exitCode, stderr } = await app.convex(deployment, "run", "notes:nothing");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Could not find function");
  expect(stderr).toContain("secretCount");
});

test("run --identity acts as that user", async () => {
  const { stdout } = await app.convex(deployment, "run", "notes:whoAmI", "--identity", '{ name: "Ann" }');
  expect(JSON.parse(stdout)).toBe("Ann");
});

test("env sets, reads, lists and removes variables, and functions see them", async () => {
  await app.convex(deployment, "env", "set", "GREETING", "good day");
  expect((await app.convex(deployment, "env", "get", "GREETING")).stdout.trim()).toBe("good day");
  expect((await app.convex(deployment, "env", "list", "--include-values")).stdout).toContain("good day");
  expect(await client.query(notes.variable, { name: "GREETING" })).toBe("good day");
  await app.convex(deployment, "env", "remove", "GREETING");
  expect((await app.convex(deployment, "env", "list")).stdout).not.toContain("GREETING");
  expect(await client.query(notes.variable, { name: "GREETING" })).toBeNull();
});

test("data lists tables and documents", async () => {
  await client.mutation(notes.add, { board: "data", text: "listed" });
  expect((await app.convex(deployment, "data")).stdout).toContain("notes");
  const { stdout } = await app.convex(deployment, "data", "notes", "--limit", "1");
  expect(stdout).toContain('"listed"');
});

test("function-spec names every function with its arguments", async () => {
  const { stdout } = await app.convex(deployment, "function-spec");
  const spec = JSON.parse(stdout) as {
    url: string;
    functions: { identifier?: string; functionType: string }[];
  };
  expect(spec.url).toBe(deployment.url);
  expect(spec.functions.find(({ identifier }) => identifier === "notes.js:add")?.functionType).toBe(
    "Mutation",
  );
});

test("function logs tell what functions printed", async () => {
  const poll = async (cursor: number) => {
    const response = await fetch(`${deployment.url}/api/stream_function_logs?cursor=${cursor}`, {
      headers: { Authorization: `Convex ${deployment.adminKey}` },
    });
    return (await response.json()) as {
      entries: { identifier: string; logLines: string[] }[];
      newCursor: number;
    };
  };
  const { newCursor } = await poll(0);
  const next = poll(newCursor);
  await client.mutation(notes.add, { board: "logs", text: "printed" });
  expect((await next).entries).toMatchObject([
    { identifier: "notes:add", logLines: ["[LOG] 'adding' 'printed'"] },
  ]);
});

test("a schema that stored rows do not fit is refused, names the document and changes nothing", async () => {
  await client.mutation(notes.add, { board: "misfit", text: "words" });
  const schema = app.readFile("convex/schema.ts");
  app.writeFile("convex/schema.ts", schema.replace("text: v.string()", "text: v.number()"));
  const { exitCode, stderr } = await app.convex(deployment, "dev", "--once", "--typecheck", "disable");
  app.writeFile("convex/schema.ts", schema);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Schema validation failed");
  expect(stderr).toMatch(/Document with ID "[0-9a-z]{32}" in table "notes" does not match the schema/);
  await client.mutation(notes.add, { board: "misfit", text: "still words" });
});

test("a push that does not load is refused with the error and its place, and the old code goes on", async () => {
  app.writeFile("convex/broken.ts", 'throw new Error("not today");\nexport const nothing = 1;\n');
  const { exitCode, stderr } = await app.convex(deployment, "dev", "--once", "--typecheck", "disable");
  app.writeFile("convex/broken.ts", "export const nothing = 1;\n");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Failed to analyze broken.js: Uncaught Error: not today");
  expect(stderr).toContain("convex/broken.ts:1");
  expect(await client.query(notes.list, { board: "none" })).toEqual([]);
});

test.each([
  [
    "a vector index",
    "convex/schema.ts",
    '.index("by_board", ["board"])',
    '.vectorIndex("v", { vectorField: "text", dimensions: 2 })',
    "has a vector index",
  ],
  ["a Node module", "convex/ticks.ts", "import {", '"use node";\nimport {', '"use node"'],
])("%s is refused with a sentence", async (_what, file, text, replacement, sentence) => {
  const source = app.readFile(file);
  expect(source).toContain(text);
  app.writeFile(file, source.replace(text, replacement));
  const { exitCode, stderr } = await app.convex(deployment, "dev", "--once", "--typecheck", "disable");
  app.writeFile(file, source);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(sentence);
});

test("a search index is pushed, finds what was there, and is pulled back", async () => {
  const source = app.readFile("convex/schema.ts");
  app.writeFile(
    "convex/schema.ts",
    source.replace(
      '.index("by_board"',
      '.searchIndex("search_text", { searchField: "text" }).index("by_board"',
    ),
  );
  app.writeFile(
    "convex/search.ts",
    `import { query } from "./_generated/server.js"; import { v } from "convex/values";
     export const find = query({ args: { text: v.string() }, handler: async (ctx, { text }) =>
       (await ctx.db.query("notes").withSearchIndex("search_text", (q) => q.search("text", text)).collect()).length });`,
  );
  await client.mutation(notes.add, { board: "searched", text: "a needle in the hay" });
  const pushed = await app.convex(deployment, "dev", "--once", "--typecheck", "disable");
  expect(pushed.stderr).toContain("notes.search_text (text)   text");
  expect(await client.query(makeFunctionReference<"query">("search:find"), { text: "needl" })).toBe(1);
  app.writeFile("convex/schema.ts", source);
  app.writeFile("convex/search.ts", "export const nothing = 1;\n");
  const pulled = await app.convex(deployment, "dev", "--once", "--typecheck", "disable");
  expect(pulled.stderr).toMatch(/Deleted table indexes:[^]*notes.search_text/);
});

test("a wrong admin key is told at once", async () => {
  const { exitCode, stderr } = await app.convex(
    { url: deployment.url, adminKey: "embedded|wrong" },
    "dev",
    "--once",
  );
  expect(exitCode).toBe(1);
  expect(stderr).toContain("The provided admin key was invalid for this instance");
});
