/** What Convex does and this deployment does not: refused in a sentence that names the feature, the place and the remedy. */
import { beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../embedded/deployment.ts";
import { deployFixture } from "../support/deployedFixture.ts";
import type { FixtureApp } from "../support/notesApp.ts";

let app: FixtureApp;
let deployment: Deployment;

beforeAll(async () => {
  const fixture = await deployFixture("notes");
  ({ app, deployment } = fixture);
  return fixture.close;
});
test.each([
  [
    "a vector index",
    "convex/schema.ts",
    '.index("by_board", ["board"])',
    '.vectorIndex("by_meaning", { vectorField: "vector", dimensions: 3 })',
    'Table "notes" of the app has a vector index, which the embedded deployment does not build. Take it out of schema.ts',
  ],
  [
    "a component's HTTP mount",
    "convex/convex.config.ts",
    "app.use(persistentTextStreaming);",
    'app.use(persistentTextStreaming, { httpPrefix: "/streams" });',
    "In convex.config.ts of the app, httpPrefix mounts the HTTP routes of a component",
  ],
  [
    "a Node module",
    "convex/ticks.ts",
    "import {",
    '"use node";\nimport {',
    'ticks.js says "use node". The embedded deployment runs every function in the default runtime: remove the directive',
  ],
])("%s is refused at the push, and what runs goes on", async (_what, file, text, replacement, sentence) => {
  const source = app.readFile(file);
  expect(source).toContain(text);
  app.writeFile(file, source.replace(text, replacement));
  const { exitCode, stderr } = await app.convex(deployment, "deploy", "--typecheck", "disable");
  app.writeFile(file, source);
  expect(exitCode).toBe(1);
  expect(stderr.replaceAll(/\s+/g, " ")).toContain(sentence);
  expect((await app.convex(deployment, "run", "notes:secretCount")).exitCode).toBe(0);
});

test("an import is refused with a sentence, and nothing is imported", async () => {
  app.writeFile("rows.jsonl", '{ "board": "imported", "text": "x" }\n');
  const args = ["import", "--table", "notes", "rows.jsonl", "--yes"];
  const { exitCode, stderr } = await app.convex(deployment, ...args);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Snapshot import is not part of the embedded deployment. Insert the rows");
  expect((await app.convex(deployment, "data", "notes")).stderr).toContain("There are no documents");
});

test("an export is refused with a sentence", async () => {
  const { exitCode, stderr } = await app.convex(deployment, "export", "--path", "snapshot.zip");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Snapshot export is not part of the embedded deployment. Print tables");
});
