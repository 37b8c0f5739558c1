import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ConvexHttpClient } from "convex/browser";
import { expect, onTestFinished, test } from "vitest";
import { createLog, type LogSettings } from "../../../embedded/log.ts";
import type { EmbeddedReady } from "../../support/embeddedDeployment.ts";
import { createNotesApp, notes } from "../../support/notesApp.ts";
import { rootFolder } from "../../support/serviceProcess.ts";

function linesOf(settings: LogSettings): string[] {
  const lines: string[] = [];
  const log = createLog(
    settings,
    "main",
    (line) => lines.push(line),
    () => 0,
  );
  log("debug", "asked", { status: 200 });
  log("info", "query m.js:f", { error: null, why: "a b", logLines: ["[LOG] 'one'"] });
  log("error", "broken\nstack");
  return lines;
}

test("entries below the level are left out; a text entry shows its fields, and lines under it", () => {
  expect(linesOf({ format: "text", level: "info" })).toEqual([
    "query m.js:f why=\"a b\"\n  [LOG] 'one'",
    "broken\nstack",
  ]);
});

test("as JSON each entry is one line with its time, level and thread", () => {
  const lines = linesOf({ format: "json", level: "debug" });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { time: "1970-01-01T00:00:00.000Z", level: "debug", thread: "main", message: "asked", status: 200 },
    {
      time: "1970-01-01T00:00:00.000Z",
      level: "info",
      thread: "main",
      message: "query m.js:f",
      error: null,
      why: "a b",
      logLines: ["[LOG] 'one'"],
    },
    { time: "1970-01-01T00:00:00.000Z", level: "error", thread: "main", message: "broken\nstack" },
  ]);
  expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
});

test("requests and function runs are told with their ids, and no key, argument, result or query string", async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), "log-"));
  onTestFinished(() => rmSync(dataFolder, { recursive: true }));
  const where = ["--data", dataFolder, "--port", "0", "--site-port", "0"];
  const child = spawn(
    process.execPath,
    ["embedded/main.ts", ...where, "--log-level", "debug", "--log-format", "json"],
    { cwd: rootFolder },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const entries: Record<string, unknown>[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    entries.push(JSON.parse(line) as Record<string, unknown>);
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const ready = JSON.parse(line.slice(line.indexOf("{"))) as EmbeddedReady;
  const app = createNotesApp();
  onTestFinished(app.remove);
  await app.push(ready);
  const client = new ConvexHttpClient(ready.url, { logger: false });
  await client.mutation(notes.add, { board: "secret-board", text: "told by the function" });
  const query = `path=notes:list&format=json&args=${encodeURIComponent('{"board":"secret-board"}')}`;
  const response = await fetch(`${ready.url}/api/query?${query}`);
  const requestId = response.headers.get("Convex-Request-Id");
  await response.text();

  await expect
    .poll(() => entries.find((entry) => entry["requestId"] === requestId))
    .toMatchObject({
      level: "debug",
      thread: "main",
      message: "GET /api/query",
      status: 200,
    });
  await expect
    .poll(() => entries.find(({ message }) => message === "mutation notes.js:add"))
    .toMatchObject({
      level: "info",
      thread: "engine",
      status: "success",
      error: null,
      logLines: ["[LOG] 'adding' 'told by the function'"],
    });
  const all = JSON.stringify(entries);
  expect(all).not.toContain("secret-board");
  expect(all).not.toContain(ready.adminKey.split("|")[1]);
});
