/** Backup of a folder on which a deployment runs, and what becomes of it. */
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { expect, onTestFinished, test } from "vitest";
import { createBackup } from "../../../embedded/backup/createBackup.ts";
import { restoreBackup } from "../../../embedded/backup/restoreBackup.ts";
import { lockDataFolder } from "../../../embedded/dataFolderLock.ts";
import { MIGRATIONS } from "../../../embedded/store/migrations.ts";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";
import { startEmbedded } from "../../support/embeddedDeployment.ts";
import { createNotesApp, notes } from "../../support/notesApp.ts";
import { runEmbedded } from "../../support/embeddedCommand.ts";

const nowMs = (): number => Date.UTC(2026, 0, 3);

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "backup-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const APP = {
  "m.ts": functions(`
    export const add = mutation(async (ctx, { text }) => { await ctx.db.insert("notes", { text }); });
    export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
  `),
};

async function fixtureWith(texts: string[]): Promise<EngineFixture> {
  const fixture = await EngineFixture.with(await appCode(APP));
  onTestFinished(() => fixture.close());
  for (const text of texts) await fixture.mutation("m:add", { text });
  return fixture;
}

/** Stored files as the deployment lays them down: bytes under a key, and a row that names it. */
function storedFiles(dataDir: string): { add: (text: string) => string; remove: (key: string) => void } {
  const stored = join(dataDir, "file-storage", "stored");
  mkdirSync(stored, { recursive: true });
  const change = (sql: string, key: string): void => {
    const database = new DatabaseSync(join(dataDir, "deployment.sqlite"), { timeout: 5_000 });
    database.exec(
      "CREATE TABLE IF NOT EXISTS stored_files (document TEXT, component TEXT, uuid TEXT, key TEXT)",
    );
    database.prepare(sql).run(key);
    database.close();
  };
  return {
    add(text) {
      const key = randomUUID();
      writeFileSync(join(stored, key), text);
      change("INSERT INTO stored_files (document, component, uuid, key) VALUES (?1, '', ?1, ?1)", key);
      return key;
    },
    remove(key) {
      change("DELETE FROM stored_files WHERE key = ?", key);
      rmSync(join(stored, key));
    },
  };
}

test("documents and stored files come back byte for byte", async () => {
  const fixture = await fixtureWith(["a", "b"]);
  const files = storedFiles(fixture.dataDir);
  const large = "x".repeat(2_500_000);
  const keys = [files.add("small"), files.add(large), files.add("")];
  const to = join(newFolder(), "backup");
  expect(await createBackup({ dataDir: fixture.dataDir, to, nowMs })).toMatchObject({
    files: 3,
    fileBytes: 2_500_005,
  });

  const restored = join(newFolder(), "new");
  expect(restoreBackup({ dataDir: restored, from: to, nowMs })).toEqual({ createdMs: nowMs(), files: 3 });
  const stored = join(restored, "file-storage", "stored");
  expect(keys.map((key) => readFileSync(join(stored, key), "utf8"))).toEqual(["small", large, ""]);
  expect(readdirSync(fixture.dataDir).filter((name) => name.startsWith("backup"))).toEqual([]);
  const database = new DatabaseSync(join(restored, "deployment.sqlite"));
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'backup%'").all();
  const texts = database.prepare("SELECT json FROM documents ORDER BY rowid").all();
  database.close();
  expect(tables).toEqual([]);
  expect(texts.map(({ json }) => (JSON.parse(String(json)) as { text: string }).text)).toEqual(["a", "b"]);
});

test("a restored deployment runs on, with timestamps above all it had handed out", async () => {
  const fixture = await fixtureWith(["before"]);
  const to = join(newFolder(), "backup");
  await createBackup({ dataDir: fixture.dataDir, to, nowMs });
  await fixture.mutation("m:add", { text: "after" });
  const lastTs = fixture.engine.latestTs();
  await fixture.engine.close();
  rmSync(fixture.dataDir, { recursive: true });

  restoreBackup({ dataDir: fixture.dataDir, from: to, nowMs });
  await fixture.reopen();
  expect(await fixture.query("m:texts")).toEqual(["before"]);
  expect(fixture.engine.latestTs()).toBeGreaterThanOrEqual(lastTs);
});

test("a file that is removed between the copy of the database and its own makes the backup begin again", async () => {
  const fixture = await fixtureWith(["a"]);
  const files = storedFiles(fixture.dataDir);
  const kept = files.add("kept");
  const removed = files.add("removed");
  const to = join(newFolder(), "backup");
  let copies = 0;
  const onDatabaseCopied = (): void => {
    if (++copies === 1) files.remove(removed);
  };
  expect(await createBackup({ dataDir: fixture.dataDir, to, nowMs, onDatabaseCopied })).toMatchObject({
    files: 1,
  });
  const restored = newFolder();
  restoreBackup({ dataDir: restored, from: to, nowMs });
  expect([copies, readdirSync(join(restored, "file-storage", "stored"))]).toEqual([2, [kept]]);
});

test("a file that is removed after the backup has linked it is still in it", async () => {
  const fixture = await fixtureWith(["a"]);
  const files = storedFiles(fixture.dataDir);
  const key = files.add("there");
  const to = join(newFolder(), "backup");
  await createBackup({ dataDir: fixture.dataDir, to, nowMs });
  files.remove(key);
  const restored = newFolder();
  restoreBackup({ dataDir: restored, from: to, nowMs });
  expect(readFileSync(join(restored, "file-storage", "stored", key), "utf8")).toBe("there");
});

test("there is no backup of what is no data folder, nor over a file that exists", async () => {
  const folder = newFolder();
  const to = join(folder, "backup");
  await expect(createBackup({ dataDir: folder, to, nowMs })).rejects.toThrow("holds no data of a deployment");
  const fixture = await fixtureWith([]);
  writeFileSync(to, "mine");
  await expect(createBackup({ dataDir: fixture.dataDir, to, nowMs })).rejects.toThrow("exists already");
  await expect(
    createBackup({ dataDir: fixture.dataDir, to: join(folder, "none", "backup"), nowMs }),
  ).rejects.toThrow("There is no folder");
  expect([readFileSync(to, "utf8"), readdirSync(folder)]).toEqual(["mine", ["backup"]]);
});

async function backupFile(): Promise<string> {
  const fixture = await fixtureWith(["a"]);
  storedFiles(fixture.dataDir).add("bytes");
  const to = join(newFolder(), "backup");
  await createBackup({ dataDir: fixture.dataDir, to, nowMs });
  return to;
}

function changed(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

test.each<[string, (path: string) => void, RegExp]>([
  ["that is not there", (path) => rmSync(path), /there is no such file/],
  ["that is no database", (path) => writeFileSync(path, "x".repeat(5_000)), /not a database/],
  [
    "that is cut off",
    (path) => writeFileSync(path, readFileSync(path).subarray(0, 60_000)),
    /damaged|malformed/,
  ],
  [
    "with a page overwritten",
    (path) => {
      const bytes = readFileSync(path);
      bytes.fill(7, 4096 * 3, 4096 * 4);
      writeFileSync(path, bytes);
    },
    /damaged|malformed/,
  ],
  ["that is not complete", (path) => changed(path, "DELETE FROM backup_manifest"), /not complete/],
  ["that is a bare database", (path) => changed(path, "DROP TABLE backup_manifest"), /not made by `backup`/],
  [
    "of a newer program",
    (path) => changed(path, `PRAGMA user_version = ${MIGRATIONS.length + 1}`),
    /made by a newer version of this program \(format \d+, known up to \d+\)\. Update the program/,
  ],
  [
    "with other bytes of a file",
    (path) => changed(path, "UPDATE backup_chunks SET data = 'others'"),
    /bytes of its stored file .* are not those that were backed up/,
  ],
  [
    "whose file's name leads out of the folder",
    (path) =>
      changed(path, "UPDATE backup_files SET key = '../../out'; UPDATE backup_chunks SET key = '../../out'"),
    /is no name of a stored file/,
  ],
])("a backup %s is refused, and the folder stays as it was", async (_what, spoil, sentence) => {
  const from = await backupFile();
  spoil(from);
  const empty = newFolder();
  const missing = join(newFolder(), "missing");
  expect(() => restoreBackup({ dataDir: empty, from, nowMs })).toThrow(sentence);
  expect(() => restoreBackup({ dataDir: missing, from, nowMs })).toThrow(sentence);
  const left = readdirSync(empty).filter((name) => !name.startsWith("lock"));
  expect([left, existsSync(missing)]).toEqual([[], false]);
});

test("a folder that is not empty, or in use, is not restored into", async () => {
  const from = await backupFile();
  const full = newFolder();
  writeFileSync(join(full, "letter"), "dear");
  expect(() => restoreBackup({ dataDir: full, from, nowMs })).toThrow(/is not empty \(it holds letter\)/);
  const used = newFolder();
  const lock = lockDataFolder(used);
  expect(() => restoreBackup({ dataDir: used, from, nowMs })).toThrow(/already uses the data folder/);
  lock.close();
  expect(readFileSync(join(full, "letter"), "utf8")).toBe("dear");
});

test("what an app stored as a file is served by the restored deployment", async () => {
  const app = createNotesApp();
  onTestFinished(app.remove);
  app.writeFile(
    "convex/files.ts",
    `import { v } from "convex/values";
     import { action, query } from "./_generated/server.js";
     export const store = action({ args: { text: v.string() }, handler: async (ctx, { text }): Promise<string> =>
       await ctx.storage.store(new Blob([text], { type: "text/plain" })) });
     export const url = query({ args: { id: v.id("_storage") }, handler: async (ctx, { id }) => await ctx.storage.getUrl(id) });`,
  );
  const dataFolder = newFolder();
  const first = await startEmbedded(dataFolder, 0, 0);
  onTestFinished(() => first.end("SIGKILL"));
  await app.push(first.ready);
  const client = new ConvexHttpClient(first.ready.url, { logger: false });
  const text = "kept ".repeat(300_000);
  const id = await client.action(reference<"action", { text: string }, string>("files:store"), { text });
  const to = join(newFolder(), "backup");
  expect(await runEmbedded("backup", "--data", dataFolder, "--to", to)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("1 files of 1.5 MB"),
  });
  const restored = newFolder();
  await runEmbedded("restore", "--data", restored, "--from", to);
  const second = await startEmbedded(restored, 0, 0);
  onTestFinished(() => second.end("SIGKILL"));
  const url = await new ConvexHttpClient(second.ready.url).query(
    reference<"query", { id: string }, string>("files:url"),
    { id },
  );
  expect(await (await fetch(url)).text()).toBe(text);
});

test("a backup under a load of writes is a moment of it, and stops no writer", async () => {
  const app = createNotesApp();
  onTestFinished(app.remove);
  const dataFolder = newFolder();
  const first = await startEmbedded(dataFolder, 0, 0);
  onTestFinished(() => first.end("SIGKILL"));
  await app.push(first.ready);
  const client = new ConvexHttpClient(first.ready.url, { logger: false });

  // Each note names its number: what is in the backup must be the first so many, without a gap.
  const acknowledged: number[] = [];
  const over = new AbortController();
  const writer = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await client.mutation(notes.add, { board: "load", text: String(acknowledged.length) });
      acknowledged.push(acknowledged.length);
    }
  };
  const writing = writer();
  await expect.poll(() => acknowledged.length).toBeGreaterThan(20);
  const before = acknowledged.length;
  const to = join(newFolder(), "backup");
  const backedUp = await runEmbedded("backup", "--data", dataFolder, "--to", to);
  const during = acknowledged.length - before;
  over.abort();
  await writing;
  expect(backedUp).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^Backed up .* to .*MB of database/),
  });
  expect(during).toBeGreaterThan(0);

  const restored = join(newFolder(), "restored");
  expect(await runEmbedded("restore", "--data", restored, "--from", to)).toMatchObject({ exitCode: 0 });
  const second = await startEmbedded(restored, 0, 0);
  onTestFinished(() => second.end("SIGKILL"));
  const database = new DatabaseSync(join(restored, "deployment.sqlite"), { readOnly: true });
  const texts = database
    .prepare('SELECT json FROM documents WHERE json LIKE \'%"board":"load"%\'')
    .all()
    .map(({ json }) => Number((JSON.parse(String(json)) as { text: string }).text));
  database.close();
  expect(texts.toSorted((a, b) => a - b)).toEqual(texts.map((_, index) => index));
  expect(texts.length).toBeGreaterThanOrEqual(before);
  // It takes reads and writes of clients like the one it was made of, with a key of its own.
  const again = new ConvexHttpClient(second.ready.url, { logger: false });
  await again.mutation(notes.add, { board: "new", text: "here" });
  expect(await again.query(notes.list, { board: "new" })).toEqual(["here"]);
  expect(second.ready.adminKey).not.toBe(first.ready.adminKey);
});
