/**
 * Reads an index in order, a batch of rows at a time, and widens the transaction's read set exactly as far as rows
 * were handed out: a reader that stops at the third row does not depend on the fourth.
 */
import type { CatalogIndex, CatalogTable } from "../store/catalog.ts";
import type { Row } from "../store/database.ts";
import { keyAfter } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import type { KeyInterval } from "./readSet.ts";
import type { StoredDocument, Transaction } from "./transaction.ts";

export interface ScannedDocument extends StoredDocument {
  key: IndexKey;
}

export type Order = "asc" | "desc";

export interface ScanSource {
  table: CatalogTable;
  index: CatalogIndex;
  interval: KeyInterval;
  order: Order;
}

const FIRST_BATCH = 16;
const LARGEST_BATCH = 512;

export class IndexScan {
  readonly #transaction: Transaction;
  readonly #source: ScanSource;
  /** Part of the interval that was handed out, as recorded in the read set. */
  readonly #covered: KeyInterval;
  /** Part that was not. */
  readonly #rest: KeyInterval;
  #batch: ScannedDocument[] = [];
  #batchSize: number;
  #batchIsLast = false;
  #writesAtFetch = -1;

  /** @param expectedRows - How many rows the reader wants, if it knows: the size of the first batch. */
  constructor(transaction: Transaction, source: ScanSource, expectedRows = FIRST_BATCH) {
    this.#transaction = transaction;
    this.#source = source;
    this.#rest = { ...source.interval };
    this.#batchSize = Math.max(1, Math.min(expectedRows, LARGEST_BATCH));
    const { lower } = source.interval;
    this.#covered = transaction.reads.add(source.index.id, { lower, upper: lower });
    transaction.usage.count("databaseQueries", 1);
  }

  /** Size of the document that `next` will hand out, without handing it out; 0 at the end. */
  nextBytes(): number {
    this.#fetchIfNeeded();
    return this.#batch[0]?.bytes ?? 0;
  }

  next(): ScannedDocument | null {
    this.#fetchIfNeeded();
    const document = this.#batch.shift() ?? null;
    this.#cover(document?.key ?? null);
    if (!document) return null;
    this.#transaction.usage.count("documentsRead", 1);
    this.#transaction.usage.count("bytesRead", document.bytes);
    return document;
  }

  #fetchIfNeeded(): void {
    // Rows fetched ahead are stale once this transaction has written.
    const writes = this.#transaction.writes.mark();
    const isStale = this.#writesAtFetch !== writes;
    if (isStale || (this.#batch.length === 0 && !this.#batchIsLast)) this.#fetch(writes);
  }

  /** @param key - Key handed out last; null when the interval was read to its end. */
  #cover(key: IndexKey | null): void {
    const { interval, order } = this.#source;
    if (order === "asc") {
      const end = key ? keyAfter(key) : interval.upper;
      this.#covered.upper = end;
      if (key) this.#rest.lower = end ?? key;
    } else {
      this.#covered.upper = interval.upper;
      this.#covered.lower = key ?? interval.lower;
      if (key) this.#rest.upper = key;
    }
  }

  #fetch(writes: number): void {
    const { index, table, order } = this.#source;
    const { lower, upper } = this.#rest;
    const isById = index === table.byId;
    const direction = order === "asc" ? "ASC" : "DESC";
    const select = isById
      ? "SELECT id_key AS key, bytes, json FROM documents WHERE table_number = ? AND id_key >= ?"
      : "SELECT key, bytes, json FROM index_entries JOIN documents ON documents.rowid = document WHERE index_id = ? AND key >= ?";
    const bound = upper ? (isById ? " AND id_key < ?" : " AND key < ?") : "";
    const rows = this.#transaction.database.all(
      `${select}${bound} ORDER BY key ${direction} LIMIT ?`,
      isById ? table.number : index.id,
      lower,
      ...(upper ? [upper] : []),
      this.#batchSize,
    );
    this.#batch = rows.map(scannedDocument);
    this.#batchIsLast = rows.length < this.#batchSize;
    this.#batchSize = Math.min(this.#batchSize * 2, LARGEST_BATCH);
    this.#writesAtFetch = writes;
  }
}

function scannedDocument(row: Row): ScannedDocument {
  const key = row["key"];
  if (!(key instanceof Uint8Array)) throw new Error("The database is damaged: an index key is not binary");
  return {
    key: Buffer.from(key.buffer, key.byteOffset, key.byteLength),
    bytes: Number(row["bytes"]),
    json: String(row["json"]),
  };
}
