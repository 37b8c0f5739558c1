/**
 * One transaction on the one connection: documents read and written, and what of them is remembered for the commit
 * (index intervals read, index keys written, usage). It knows tables and documents, no functions.
 * Beginning and ending it is the engine's part (transactions.ts). Long, because each write keeps rows, index entries, search
 * entries and read and write sets in step, and is checked best where all of that is in sight.
 */
import { getConvexSize } from "convex/values";

import type { ComponentPath, ValidatorJson } from "../protocol/deployedCode.ts";
import { addSearchEntry, isSameToSearch, removeSearchEntry, searchEntry } from "../search/searchEntries.ts";
import { writeSearch } from "../search/searchReads.ts";
import type { Catalog, CatalogSearchIndex, CatalogTable } from "../store/catalog.ts";
import type { Database } from "../store/database.ts";
import type { ObjectValue, Value } from "../values/convexJson.ts";
import { decodeStored, encodeValue, valueAtPath } from "../values/convexJson.ts";
import { newDocumentId } from "../values/documentId.ts";
import { checkSystemFields, documentBytes } from "../values/documentRules.ts";
import { indexKey } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import { validationProblem } from "../values/validation.ts";
import type { TableNameOf } from "../values/validation.ts";
import { IndexReads } from "./readSet.ts";
import { TransactionUsage } from "./transactionUsage.ts";
import type { UsageCounts } from "./transactionUsage.ts";
import { IndexWrites } from "./writeSet.ts";

export interface StoredDocument {
  /** Convex JSON, encoded, with `_id` and `_creationTime`. */
  json: string;
  /** Size as Convex counts it. */
  bytes: number;
}

/** Pseudo index of the tables that exist: a query of a missing table depends on its creation. */
const TABLES_INDEX_ID = 0;

export interface TransactionOptions {
  database: Database;
  catalog: Catalog;
  /** Timestamp of the latest commit it sees. */
  snapshotTs: bigint;
  /** Reserves the timestamp of this transaction's commit; null when it is not going to commit. */
  reserveTs: (() => bigint) | null;
  /** Strictly increasing from call to call, across transactions and restarts. */
  nextCreationTime: () => number;
  randomBytes: (count: number) => Uint8Array;
  limits: UsageCounts;
  /** Validator of a table's documents without their system fields; null when any document fits. */
  documentValidator: (component: ComponentPath, tableName: string) => ValidatorJson | null;
}

export class Transaction {
  readonly reads = new IndexReads();
  readonly writes = new IndexWrites();
  readonly usage: TransactionUsage;
  readonly database: Database;
  readonly catalog: Catalog;
  readonly snapshotTs: bigint;
  readonly #options: TransactionOptions;
  #commitTs: bigint | null = null;
  #isTouched = false;
  #fault: Error | null = null;

  constructor(options: TransactionOptions) {
    this.#options = options;
    this.usage = new TransactionUsage(options.limits);
    this.database = options.database;
    this.catalog = options.catalog;
    this.snapshotTs = options.snapshotTs;
  }

  get canCommit(): boolean {
    return this.#options.reserveTs !== null;
  }

  /** Whether anybody has asked for the commit timestamp. */
  get hasCommitTs(): boolean {
    return this.#commitTs !== null;
  }

  /** The timestamp that this transaction commits at, if it does. The same from the first call on. */
  commitTs(): bigint {
    const { reserveTs } = this.#options;
    if (reserveTs === null) throw new Error("A transaction that only reads has no commit timestamp");
    return (this.#commitTs ??= reserveTs());
  }

  /** Something outside the documents was written: there is something to commit. */
  touch(): void {
    this.#isTouched = true;
  }

  get hasWritten(): boolean {
    return this.#isTouched || !this.writes.isEmpty;
  }

  /**
   * Remembers an error of the database itself (a full disk): user code that catches it must not make the transaction
   * look well.
   */
  notingFaults<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR") this.#fault = error;
      throw error;
    }
  }

  /** @throws the error of the database, if there was one. */
  throwFault(): void {
    if (this.#fault) throw this.#fault;
  }

  /** The table, noting that the result depends on whether it exists. */
  readTable(component: ComponentPath, name: string): CatalogTable | undefined {
    const table = this.catalog.table(component, name);
    if (!table) this.reads.addPoint(TABLES_INDEX_ID, indexKey([component, name]));
    return table;
  }

  ensureTable(component: ComponentPath, name: string): CatalogTable {
    const existing = this.catalog.table(component, name);
    if (existing) return existing;
    this.writes.add(TABLES_INDEX_ID, indexKey([component, name]));
    return this.catalog.createTable(component, name);
  }

  tableNames(component: ComponentPath): TableNameOf {
    return this.catalog.tableNames(component);
  }

  get(table: CatalogTable, id: string): StoredDocument | null {
    return this.getByKey(table, indexKey([id]));
  }

  /** @param key - Index key of the id. */
  getByKey(table: CatalogTable, key: IndexKey): StoredDocument | null {
    this.usage.count("databaseQueries", 1);
    this.reads.addPoint(table.byId.id, key);
    const row = this.#row(table, key);
    if (!row) return null;
    this.usage.count("documentsRead", 1);
    this.usage.count("bytesRead", row.bytes);
    return row;
  }

  /** Looks at the size alone, which is no read: 0 when there is no such document. */
  documentBytes(table: CatalogTable, key: IndexKey): number {
    return this.#row(table, key)?.bytes ?? 0;
  }

  /** @throws Error when the body does not fit the table's schema or is too large. */
  insert(component: ComponentPath, tableName: string, body: ObjectValue): string {
    const table = this.ensureTable(component, tableName);
    const id = newDocumentId(table.number, this.#options.randomBytes);
    const creationTime = this.#options.nextCreationTime();
    checkSystemFields(body, { id, creationTime });
    this.#checkSchema(component, tableName, withoutSystemFields(body));
    const document = { ...body, _creationTime: creationTime, _id: id };
    const bytes = bytesOf(table, document);
    const rowid = this.database.run(
      "INSERT INTO documents (table_number, id_key, bytes, json) VALUES (?, ?, ?, ?)",
      table.number,
      indexKey([id]),
      bytes,
      encodeValue(document),
    );
    this.#writeIndexes(table, rowid, null, document);
    this.#countWrite(table, bytes);
    return id;
  }

  /**
   * Puts `change(old body)` in place of the document's body.
   * @param verb - Names the operation where the document does not exist.
   */
  update(
    table: CatalogTable,
    id: string,
    verb: "Update" | "Replace",
    change: (old: ObjectValue) => ObjectValue,
  ): void {
    const key = indexKey([id]);
    const existing = this.#existing(table, id, key, verb);
    const old = decodeStored(existing.json) as ObjectValue;
    const body = change(old);
    checkSystemFields(body, { id, creationTime: Number(old["_creationTime"]) });
    this.#checkSchema(table.component, table.name, withoutSystemFields(body));
    const document = { ...body, _creationTime: old["_creationTime"], _id: id };
    const bytes = bytesOf(table, document);
    this.database.run(
      "UPDATE documents SET bytes = ?, json = ? WHERE rowid = ?",
      bytes,
      encodeValue(document),
      existing.rowid,
    );
    this.#writeIndexes(table, existing.rowid, old, document);
    this.#countWrite(table, bytes);
  }

  remove(table: CatalogTable, id: string): void {
    const existing = this.#existing(table, id, indexKey([id]), "Delete");
    const old = decodeStored(existing.json) as ObjectValue;
    this.#writeIndexes(table, existing.rowid, old, null);
    this.database.run("DELETE FROM documents WHERE rowid = ?", existing.rowid);
    this.#countWrite(table, existing.bytes);
  }

  /** Runs `work` in a savepoint; when it throws or `keep` refuses its result, its writes alone are undone. */
  nested<Result>(work: () => Result, keep: (result: Result) => boolean): Result {
    const mark = this.writes.mark();
    let kept = false;
    try {
      return this.database.savepoint(work, (result) => (kept = keep(result)));
    } finally {
      if (!kept) {
        this.writes.rollbackTo(mark);
        this.catalog.afterRollback();
      }
    }
  }

  #existing(
    table: CatalogTable,
    id: string,
    key: IndexKey,
    verb: string,
  ): StoredDocument & { rowid: number } {
    this.reads.addPoint(table.byId.id, key);
    const row = this.#row(table, key);
    if (!row) throw new Error(`${verb} on nonexistent document ID ${id}`);
    if (table.name.startsWith("_")) return row;
    this.usage.count("documentsRead", 1);
    this.usage.count("bytesRead", row.bytes);
    return row;
  }

  #row(table: CatalogTable, key: IndexKey): (StoredDocument & { rowid: number }) | null {
    const row = this.database.get(
      "SELECT rowid, bytes, json FROM documents WHERE table_number = ? AND id_key = ?",
      table.number,
      key,
    );
    return row
      ? { rowid: Number(row["rowid"]), bytes: Number(row["bytes"]), json: String(row["json"]) }
      : null;
  }

  #writeIndexes(
    table: CatalogTable,
    rowid: number,
    old: ObjectValue | null,
    document: ObjectValue | null,
  ): void {
    for (const index of table.maintained) {
      if (index.kind === "search") {
        this.#writeSearchIndex(index, rowid, old, document);
        continue;
      }
      const oldKey = old && documentKey(index.fields, old);
      const newKey = document && documentKey(index.fields, document);
      const same = oldKey && newKey && oldKey.equals(newKey);
      if (oldKey) this.writes.add(index.id, oldKey);
      const idKey = index === table.byId ? (newKey ?? oldKey) : null;
      if (idKey) for (const watcher of this.catalog.watchers) watcher(table.number, idKey);
      if (newKey && !same) this.writes.add(index.id, newKey);
      if (same || index === table.byId) continue;
      if (oldKey)
        this.database.run("DELETE FROM index_entries WHERE index_id = ? AND key = ?", index.id, oldKey);
      if (newKey) {
        this.database.run(
          "INSERT INTO index_entries (index_id, key, document) VALUES (?, ?, ?)",
          index.id,
          newKey,
          rowid,
        );
      }
    }
  }

  #writeSearchIndex(
    index: CatalogSearchIndex,
    rowid: number,
    old: ObjectValue | null,
    document: ObjectValue | null,
  ): void {
    if (isSameToSearch(index, old, document)) return;
    if (old) {
      writeSearch(this.writes, index, searchEntry(index, old));
      removeSearchEntry(this.database, index, rowid);
    }
    if (!document) return;
    const entry = searchEntry(index, document);
    writeSearch(this.writes, index, entry);
    addSearchEntry(this.database, index, entry, { rowid, creationTime: Number(document["_creationTime"]) });
  }

  /** What the deployment writes for itself, the state of a scheduled job, is not the function's use. */
  #countWrite(table: CatalogTable, bytes: number): void {
    if (table.name.startsWith("_")) return;
    this.usage.count("documentsWritten", 1);
    this.usage.count("bytesWritten", bytes);
  }

  #checkSchema(component: ComponentPath, tableName: string, body: ObjectValue): void {
    const validator = this.#options.documentValidator(component, tableName);
    if (!validator) return;
    const problem = validationProblem(validator, body, this.tableNames(component));
    if (problem !== null) {
      throw new Error(
        `Failed to insert or update a document in table "${tableName}" because it does not match the schema: ${problem}`,
      );
    }
  }
}

/** A row of the deployment's own, such as a scheduled job with its arguments, may be larger than a document. */
function bytesOf(table: CatalogTable, document: ObjectValue): number {
  return table.name.startsWith("_") ? getConvexSize(document) : documentBytes(document);
}

/** Key of a document in an index with these fields. */
export function documentKey(fields: readonly string[], document: ObjectValue): IndexKey {
  return indexKey(fields.map((field) => valueAtPath(document as Value, field)));
}

export function withoutSystemFields(document: ObjectValue): ObjectValue {
  const { _id, _creationTime, ...body } = document;
  return body;
}
