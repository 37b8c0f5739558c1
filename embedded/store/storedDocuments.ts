/** Walks the documents of a table in the order of their ids, a part at a time. */
import type { ObjectValue } from "../values/convexJson.ts";
import { decodeStored } from "../values/convexJson.ts";
import type { CatalogTable } from "./catalog.ts";
import type { Database } from "./database.ts";

export interface StoredRow {
  rowid: number;
  idKey: Uint8Array;
  document: ObjectValue;
}

export interface Part {
  rows: StoredRow[];
  /** Whether the table ends with this part. */
  isLast: boolean;
}

/** Few enough that nobody notices the time one part takes. */
const MAX_ROWS = 200;
const MAX_BYTES = 512 * 1024;

/** The documents after `afterKey`: at least one, if there is one. */
export function nextPart(database: Database, table: CatalogTable, afterKey: Uint8Array): Part {
  const heads = database.all(
    "SELECT rowid, id_key, bytes FROM documents WHERE table_number = ? AND id_key > ? ORDER BY id_key LIMIT ?",
    table.number,
    afterKey,
    MAX_ROWS,
  );
  const rows: StoredRow[] = [];
  let bytes = 0;
  for (const head of heads) {
    if (bytes > MAX_BYTES) return { rows, isLast: false };
    bytes += Number(head["bytes"]);
    const rowid = Number(head["rowid"]);
    rows.push({ rowid, idKey: head["id_key"] as Uint8Array, document: documentAt(database, rowid) });
  }
  return { rows, isLast: heads.length < MAX_ROWS };
}

/** null when there is no such document (any more). */
export function storedDocument(
  database: Database,
  tableNumber: number,
  idKey: Uint8Array,
): ObjectValue | null {
  const row = database.get(
    "SELECT json FROM documents WHERE table_number = ? AND id_key = ?",
    tableNumber,
    idKey,
  );
  return row ? parsed(row["json"]) : null;
}

function documentAt(database: Database, rowid: number): ObjectValue {
  return parsed(database.get("SELECT json FROM documents WHERE rowid = ?", rowid)?.["json"]);
}

function parsed(json: unknown): ObjectValue {
  return decodeStored(String(json)) as ObjectValue;
}
