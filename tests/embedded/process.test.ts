/** The deployment as a process: how it starts, ends, and what survives. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { expect, onTestFinished, test } from "vitest";
import { startEmbedded, type EmbeddedReady, type EmbeddedStart } from "../support/embeddedDeployment.ts";
import { createNotesApp, notes, type NotesApp } from "../support/notesApp.ts";
import { rootFolder, type ServiceProcess } from "../support/serviceProcess.ts";

const anyPorts = ["--port", "0", "--site-port", "0"];

function newDataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "embedded-data-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function start(dataFolder: string, how: EmbeddedStart = {}): Promise<ServiceProcess<EmbeddedReady>> {
  const running = await startEmbedded(dataFolder, 0, 0, how);
  onTestFinished(() => running.end("SIGKILL"));
  return running;
}

async function startWithNotes(
  dataFolder: string,
): Promise<{ running: ServiceProcess<EmbeddedReady>; app: NotesApp }> {
  const app = createNotesApp();
  onTestFinished(app.remove);
  const running = await start(dataFolder);
  await app.push(running.ready);
  return { running, app };
}

function runMain(...args: string[]): Promise<{ exitCode: number; stderr: string }> {
  return runNode("embedded/main.ts", ...args);
}

async function runNode(...args: string[]): Promise<{ exitCode: number; stderr: string }> {
  const child = spawn(process.execPath, args, { cwd: rootFolder });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
  const [exitCode] = (await once(child, "close")) as [number];
  return { exitCode, stderr };
}

test.each(["SIGTERM", "SIGKILL"] as const)(
  "code, data, variables and the admin key survive %s",
  async (signal) => {
    const dataFolder = newDataFolder();
    const { running: first, app } = await startWithNotes(dataFolder);
    await app.convex(first.ready, "env", "set", "KEPT", "yes");
    await new ConvexHttpClient(first.ready.url, { logger: false }).mutation(notes.add, {
      board: "kept",
      text: "before",
    });
    await first.end(signal);

    const second = await start(dataFolder);
    const client = new ConvexHttpClient(second.ready.url, { logger: false });
    expect(second.ready.adminKey).toBe(first.ready.adminKey);
    expect(await client.query(notes.list, { board: "kept" })).toEqual(["before"]);
    expect(await client.query(notes.variable, { name: "KEPT" })).toBe("yes");
    await client.mutation(notes.add, { board: "kept", text: "after" });
    expect(await client.query(notes.list, { board: "kept" })).toEqual(["before", "after"]);
  },
);

test("functions see UTC, wherever the process was started", async () => {
  const app = createNotesApp();
  onTestFinished(app.remove);
  const zone = "[new Date(0).getTimezoneOffset(), Intl.DateTimeFormat().resolvedOptions().timeZone]";
  app.writeFile(
    "convex/zone.ts",
    `import { action, query } from "./_generated/server.js";
     const atStart = ${zone};
     export const inQuery = query(async () => [...atStart, ...${zone}]);
     export const inAction = action(async () => [...atStart, ...${zone}]);`,
  );
  const { ready } = await start(newDataFolder(), { environment: { TZ: "America/New_York" } });
  await app.push(ready);
  const client = new ConvexHttpClient(ready.url);
  expect([
    await client.query(reference<"query">("zone:inQuery")),
    await client.action(reference<"action">("zone:inAction")),
  ]).toEqual([
    [0, "UTC", 0, "UTC"],
    [0, "UTC", 0, "UTC"],
  ]);
});

test("a scheduled call that was due while the process was down runs after the restart", async () => {
  const dataFolder = newDataFolder();
  const { running: first } = await startWithNotes(dataFolder);
  const later = { board: "later", text: "kept promise", afterMs: 1_000 };
  await new ConvexHttpClient(first.ready.url).mutation(notes.addLater, later);
  await first.end("SIGKILL");
  const client = new ConvexHttpClient((await start(dataFolder)).ready.url);
  await expect.poll(() => client.query(notes.list, { board: "later" })).toEqual(["kept promise"]);
});

test.each([
  ["the deployment port", (taken: string) => ["--port", taken, "--site-port", "0"], "--port"],
  ["the site port", (taken: string) => ["--port", "0", "--site-port", taken], "--site-port"],
])("%s taken by another program is told in a sentence, with exit code 2", async (_which, ports, flag) => {
  const running = await start(newDataFolder());
  const taken = new URL(running.ready.url).port;
  const { exitCode, stderr } = await runMain("--data", newDataFolder(), ...ports(taken));
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(new RegExp(`^Port ${taken} on 127\\.0\\.0\\.1.* is taken\\. .*${flag}\\.\n$`));
});

test("a second process on one folder is refused, until the first is gone however it ended", async () => {
  const dataFolder = newDataFolder();
  const first = await start(dataFolder);
  const refused = await runMain("--data", dataFolder, ...anyPorts);
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain("already uses the data folder");
  await first.end("SIGKILL");
  await start(dataFolder);
});

test("the files of the data folder are for their owner only", async () => {
  const dataFolder = newDataFolder();
  await start(dataFolder);
  const modes = readdirSync(dataFolder).map((name) => [name, statSync(join(dataFolder, name)).mode & 0o777]);
  expect(Object.fromEntries(modes)).toMatchObject({ "admin-key": 0o600, "deployment.sqlite": 0o600 });
  expect(Object.fromEntries(modes)).toMatchObject({ "file-storage": 0o700 });
  expect(modes.filter(([, mode]) => mode !== 0o600).map(([name]) => name)).toEqual(["file-storage"]);
});

test.each([
  [
    "whose database is broken",
    "",
    (folder: string) => writeFileSync(join(folder, "deployment.sqlite"), "x".repeat(5_000)),
    "not a database",
  ],
  [
    "whose lock is broken",
    "",
    (folder: string) => writeFileSync(join(folder, "lock"), "x".repeat(5_000)),
    "not a database",
  ],
  ["whose admin key is a folder", "", (folder: string) => mkdirSync(join(folder, "admin-key")), "EISDIR"],
  [
    "whose place of files is a file",
    "",
    (folder: string) => writeFileSync(join(folder, "file-storage"), ""),
    "is a file",
  ],
  ["that is a file", "file", (folder: string) => writeFileSync(join(folder, "file"), ""), "it is a file"],
  ["inside a file", "file/inner", (folder: string) => writeFileSync(join(folder, "file"), ""), "is a file"],
])("a data folder %s is told in a sentence, with exit code 2", async (_what, name, spoil, reason) => {
  const folder = newDataFolder();
  spoil(folder);
  const { exitCode, stderr } = await runMain("--data", join(folder, name), ...anyPorts);
  expect(exitCode).toBe(2);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain(`The data folder ${join(folder, name)}`.replace(/\/$/, ""));
  expect(stderr).toContain(reason);
  expect(stderr).toContain("Choose another data folder");
});

test.skipIf(process.platform !== "linux")("a data folder where none can be made is refused", async () => {
  const { exitCode, stderr } = await runMain("--data", "/proc/none/such", ...anyPorts);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("/proc/none/such cannot be used: ")]);
});

test.each([
  ["another interface", ["--host", "0.0.0.0", ...anyPorts], "--allow-remote"],
  ["a port that is none", ["--port", "http", "--site-port", "0"], "--port must be a number"],
  [
    "an origin that no browser sends",
    [...anyPorts, "--allow-origin", "http://app.example/"],
    "http://app.example\n",
  ],
  [
    "an origin without a scheme",
    [...anyPorts, "--allow-origin", "app.example"],
    "such as http://127.0.0.1:5173",
  ],
  ["an unknown option", [...anyPorts, "--colour"], "--colour"],
])("%s is refused with a sentence", async (_what, args, sentence) => {
  const { exitCode, stderr } = await runMain("--data", newDataFolder(), ...args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(sentence);
});

test("a database that was damaged while nobody looked is refused after a kill, with what to do", async () => {
  const dataFolder = newDataFolder();
  const { running } = await startWithNotes(dataFolder);
  const client = new ConvexHttpClient(running.ready.url, { logger: false });
  for (let n = 0; n < 50; n++) await client.mutation(notes.add, { board: "b", text: "x".repeat(2_000) });
  const database = new DatabaseSync(join(dataFolder, "deployment.sqlite"));
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  // A page that no query of the start reads is overwritten, as by a failing disk.
  const page = database.prepare("SELECT max(pageno) AS page FROM dbstat WHERE name = 'documents'").get();
  database.close();
  await running.end("SIGKILL");
  const file = join(dataFolder, "deployment.sqlite");
  const bytes = readFileSync(file);
  bytes.fill(255, 4096 * (Number(page?.["page"]) - 1), 4096 * Number(page?.["page"]));
  writeFileSync(file, bytes);
  const { exitCode, stderr } = await runMain("--data", dataFolder, ...anyPorts);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/its database is damaged \(.+\); a backup can be restored into another folder/);
});

test("an engine thread that dies takes the process with it, which says why", async () => {
  const dataFolder = newDataFolder();
  const fault = join(dataFolder, "fault.mjs");
  writeFileSync(
    fault,
    `import { threadName } from "node:worker_threads";
     if (threadName === "engine") setTimeout(() => { throw new Error("struck by lightning"); }, 1_000);`,
  );
  const { exitCode, stderr } = await runNode(
    "--import",
    fault,
    "embedded/main.ts",
    "--data",
    dataFolder,
    ...anyPorts,
  );
  expect(exitCode).toBeGreaterThan(0);
  expect(stderr).toContain("The engine thread has ended: Error: struck by lightning");
});
