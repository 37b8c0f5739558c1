import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { Catalog } from "../../../embedded/store/catalog.ts";
import { Database } from "../../../embedded/store/database.ts";
import { MIGRATIONS } from "../../../embedded/store/migrations.ts";

/** A file as the first version of the program wrote it, with a row in every table. */
const firstRows = `
  UPDATE clock SET last_ts = 7, last_creation_time = 9;
  INSERT INTO tables (number, component, name) VALUES (10001, '', 'notes');
  INSERT INTO indexes (id, table_number, name, fields) VALUES (1, 10001, 'by_id', '["_id"]');
  INSERT INTO documents (table_number, id_key, bytes, json) VALUES (10001, x'01', 2, '{}');
  INSERT INTO index_entries VALUES (1, x'01', 1);
  INSERT INTO code VALUES (1, 3, '{}');
  INSERT INTO environment VALUES ('NAME', 'value');
  INSERT INTO secrets VALUES ('signing', x'02');
  INSERT INTO mutation_results VALUES ('session', 1, 7, 9, '{}');
  INSERT INTO scheduled_jobs (id, component, target_component, name, args, state, at_ms)
    VALUES ('job', '', '', 'm.js:f', '{}', 'pending', 5);
  INSERT INTO crons (component, name, definition, next_ms) VALUES ('', 'tick', '{"name":"m.js:f"}', 5);
`;

function fileOfFormat(format: number, rows: string): string {
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "deployment.sqlite");
  const file = new DatabaseSync(path);
  for (const migration of MIGRATIONS.slice(0, format)) file.exec(migration);
  file.exec(rows);
  file.exec(`PRAGMA user_version = ${format}`);
  file.close();
  return path;
}

function open(path: string): Database {
  const database = new Database(path);
  onTestFinished(() => database.close());
  return database;
}

test("a file of the first format keeps every row, and has the tables of a new one", () => {
  const path = fileOfFormat(1, firstRows);
  const before = new DatabaseSync(path, { readOnly: true });
  const tables = before
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .all()
    .map(({ name }) => String(name));
  const rowsOf = tables.map(
    (name) => [name, before.prepare(`SELECT * FROM ${name} ORDER BY 1`).all()] as const,
  );
  before.close();

  const migrated = open(path);
  for (const [name, rows] of rowsOf) {
    expect([name, migrated.all(`SELECT * FROM ${name} ORDER BY 1`)]).toMatchObject([name, rows]);
  }
  const schema = "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY type, name";
  expect(migrated.all(schema)).toEqual(open(fileOfFormat(0, "")).all(schema));
  expect(migrated.get("PRAGMA user_version")).toEqual({ user_version: MIGRATIONS.length });
  expect(migrated.get("SELECT has_begun FROM crons")).toEqual({ has_begun: 0 });
});

test("a file of a newer program is refused, and stays as it is", () => {
  const path = fileOfFormat(0, `PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  const file = new DatabaseSync(path);
  file.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  expect(() => new Database(path)).toThrow(/written by a newer version of this program/);
  expect(file.prepare("SELECT COUNT(*) AS count FROM sqlite_schema").get()).toEqual({ count: 0 });
  file.close();
});

test("tables and indexes of the first format are live and whole in the newest", () => {
  const path = fileOfFormat(
    1,
    `INSERT INTO tables (component, name) VALUES ('', 'notes');
     INSERT INTO indexes (table_number, name, fields) VALUES (10001, 'by_id', '[]'), (10001, 'by_creation_time', '[]'),
       (10001, 'by_text', '["text"]');
     INSERT INTO documents VALUES (1, 10001, x'01', 10, '{}');
     INSERT INTO index_entries VALUES (3, x'02', 1)`,
  );
  const database = open(path);
  const catalog = new Catalog(database);
  const notes = catalog.table("", "notes");
  if (!notes) throw new Error("no table");
  expect(notes.number).toBe(10_001);
  expect([...notes.indexes.keys()]).toEqual(["by_id", "by_creation_time", "by_text"]);
  expect(notes.indexes.get("by_text")).toMatchObject({
    id: 3,
    state: "live",
    filledTo: null,
    fields: ["text", "_creationTime", "_id"],
  });
  expect(database.all("SELECT * FROM index_entries")).toHaveLength(1);
  // Numbers of indexes are never given twice, not even across the change of format.
  catalog.createIndex(notes, { name: "by_other", fields: ["other"] }, "live");
  expect(catalog.table("", "notes")?.indexes.get("by_other")?.id).toBe(4);
});
