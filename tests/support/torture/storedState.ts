/** What a data folder holds, read past the deployment. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { documentKey } from "../../../embedded/transaction/transaction.ts";
import { decodeValue, type ObjectValue } from "../../../embedded/values/convexJson.ts";

export type Stored = Record<string, unknown> & { _id: string; _creationTime: number };
type Row = Record<string, SQLOutputValue>;

const fileName = "deployment.sqlite";

export class StoredState {
  readonly #database: DatabaseSync;
  readonly #remove: () => void;

  /** A copy of what a killed process left behind; whoever opens it recovers the copy. */
  static ofCrashed(dataFolder: string): StoredState {
    const copy = mkdtempSync(join(tmpdir(), "stored-state-"));
    for (const name of [fileName, `${fileName}-wal`]) {
      if (existsSync(join(dataFolder, name))) copyFileSync(join(dataFolder, name), join(copy, name));
    }
    const database = new DatabaseSync(join(copy, fileName));
    return new StoredState(database, () => rmSync(copy, { recursive: true }));
  }

  /** The files themselves, beside the process that writes them. */
  static ofRunning(dataFolder: string): StoredState {
    return new StoredState(new DatabaseSync(join(dataFolder, fileName), { readOnly: true }), () => undefined);
  }

  private constructor(database: DatabaseSync, remove: () => void) {
    this.#database = database;
    this.#remove = remove;
  }

  rows(sql: string, ...parameters: (string | number)[]): Row[] {
    return this.#database.prepare(sql).all(...parameters);
  }

  /** In the order of their creation. Plain JSON numbers and strings are all the fixture stores. */
  documents(component: string, table: string): Stored[] {
    const sql =
      "SELECT json FROM documents WHERE table_number = (SELECT number FROM tables WHERE component = ? AND name = ?)";
    const documents = this.rows(sql, component, table).map(({ json }) => JSON.parse(String(json)) as Stored);
    return documents.sort((a, b) => a._creationTime - b._creationTime);
  }

  lastTs(): bigint {
    const statement = this.#database.prepare("SELECT last_ts FROM clock");
    statement.setReadBigInts(true);
    return statement.get()?.["last_ts"] as bigint;
  }

  /** Plants a fault, in a copy. */
  spoil(sql: string): void {
    this.#database.exec(sql);
  }

  close(): void {
    this.#database.close();
    this.#remove();
  }
}

/** What is wrong with the file itself, and with indexes that disagree with the documents; a push fills those that are pending. */
export function storageFaults(state: StoredState): string[] {
  const faults: string[] = [];
  const [integrity] = state.rows("PRAGMA integrity_check");
  if (integrity?.["integrity_check"] !== "ok") faults.push(`integrity_check: ${JSON.stringify(integrity)}`);
  const indexes = state.rows(
    "SELECT indexes.id, indexes.name, fields, table_number, tables.name AS tableName FROM indexes JOIN tables ON number = table_number WHERE state <> 'pending'",
  );
  for (const index of indexes) faults.push(...indexFaults(state, index));
  const [ids] = state.rows("SELECT COUNT(*) AS ids, COUNT(DISTINCT id_key) AS distinctIds FROM documents");
  if (ids?.["ids"] !== ids?.["distinctIds"]) faults.push(`ids are not unique: ${JSON.stringify(ids)}`);
  return faults;
}

function indexFaults(state: StoredState, index: Row): string[] {
  const isById = index["name"] === "by_id";
  const fields = isById
    ? ["_id"]
    : [...(JSON.parse(String(index["fields"])) as string[]), "_creationTime", "_id"];
  const tableNumber = Number(index["table_number"]);
  const expected = state
    .rows("SELECT rowid, json FROM documents WHERE table_number = ?", tableNumber)
    .map(({ rowid, json }) => {
      const document = decodeValue(JSON.parse(String(json))) as ObjectValue;
      return `${documentKey(fields, document).toString("hex")} ${String(rowid)}`;
    });
  const entries = isById
    ? state.rows("SELECT id_key AS key, rowid AS document FROM documents WHERE table_number = ?", tableNumber)
    : state.rows("SELECT key, document FROM index_entries WHERE index_id = ?", Number(index["id"]));
  const found = entries.map(
    ({ key, document }) => `${Buffer.from(key as Uint8Array).toString("hex")} ${String(document)}`,
  );
  if (expected.sort().join() === found.sort().join()) return [];
  const what = `index ${String(index["tableName"])}.${String(index["name"])}`;
  return [`${what} has ${found.length} entries that do not match its table's ${expected.length} documents`];
}
