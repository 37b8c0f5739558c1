/** Brings tables and indexes in line with pushed code, and checks stored documents against its schema. */
import type {
  ComponentCode,
  ComponentPath,
  DeployedCode,
  IndexDefinition,
  TableDefinition,
} from "../protocol/deployedCode.ts";
import type { SchemaProblem } from "../protocol/engine.ts";
import { documentKey, withoutSystemFields } from "../transaction/transaction.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { decodeValue } from "../values/convexJson.ts";
import type { ObjectValue } from "../values/convexJson.ts";
import { validationProblem } from "../values/validation.ts";
import type { CatalogIndex, CatalogTable } from "./catalog.ts";
import { BY_CREATION_TIME, BY_ID } from "./catalog.ts";

const BATCH = 500;

/** First stored document that the new schema does not admit; tables whose validator is the running one are skipped. */
export function findSchemaProblem(
  transaction: Transaction,
  code: DeployedCode,
  running: DeployedCode | null,
): SchemaProblem | null {
  for (const component of Object.values(code.components)) {
    if (!component.schema?.schemaValidation) continue;
    for (const definition of component.schema.tables) {
      if (isValidated(running?.components[component.path], definition)) continue;
      const message = problemInTable(transaction, component.path, definition);
      if (message !== null)
        return { componentPath: component.path, tableName: definition.tableName, message };
    }
  }
  return null;
}

/** Creates tables and indexes, fills new indexes, drops vanished ones. Documents are never removed. */
export function installSchema(transaction: Transaction, code: DeployedCode): void {
  transaction.touch();
  for (const { path, schema } of Object.values(code.components)) {
    const definitions = new Map(schema?.tables.map((definition) => [definition.tableName, definition]));
    for (const tableName of definitions.keys()) transaction.ensureTable(path, tableName);
    for (const table of transaction.catalog.tablesOf(path)) {
      installIndexes(transaction, table, definitions.get(table.name)?.indexes ?? []);
    }
  }
}

function installIndexes(transaction: Transaction, table: CatalogTable, definitions: IndexDefinition[]): void {
  const wanted = new Map(definitions.map((definition) => [definition.name, definition]));
  for (const index of table.indexes.values()) {
    if (index.name === BY_ID || index.name === BY_CREATION_TIME) continue;
    const definition = wanted.get(index.name);
    // An index ends with the implicit _creationTime and _id.
    if (definition && JSON.stringify(definition.fields) === JSON.stringify(index.fields.slice(0, -2))) {
      wanted.delete(index.name);
    } else transaction.catalog.dropIndex(table, index);
  }
  for (const definition of wanted.values())
    fillIndex(transaction, table, transaction.catalog.createIndex(table, definition));
}

function fillIndex({ database }: Transaction, table: CatalogTable, index: CatalogIndex): void {
  for (const { rowid, document } of storedDocuments(database, table)) {
    const key = documentKey(index.fields, document);
    database.run(
      "INSERT INTO index_entries (index_id, key, document) VALUES (?, ?, ?)",
      index.id,
      key,
      rowid,
    );
  }
}

function problemInTable(
  transaction: Transaction,
  component: ComponentPath,
  definition: TableDefinition,
): string | null {
  const { tableName, documentType } = definition;
  const table = transaction.catalog.table(component, tableName);
  if (!table || !documentType || documentType.type === "any") return null;
  const tableNames = transaction.tableNames(component);
  for (const { document } of storedDocuments(transaction.database, table)) {
    const problem = validationProblem(documentType, withoutSystemFields(document), tableNames);
    if (problem !== null) {
      const id = document["_id"] as string;
      return `Document with ID "${id}" in table "${tableName}" does not match the schema: ${problem}`;
    }
  }
  return null;
}

function isValidated(
  running: ComponentCode | undefined,
  { tableName, documentType }: TableDefinition,
): boolean {
  if (!running?.schema?.schemaValidation) return false;
  const current = running.schema.tables.find((table) => table.tableName === tableName);
  return current !== undefined && JSON.stringify(current.documentType) === JSON.stringify(documentType);
}

function* storedDocuments(
  database: Transaction["database"],
  table: CatalogTable,
): Generator<{ rowid: number; document: ObjectValue }> {
  const sql =
    "SELECT rowid, id_key, json FROM documents WHERE table_number = ? AND id_key > ? ORDER BY id_key LIMIT ?";
  let lastKey = new Uint8Array();
  for (;;) {
    const rows = database.all(sql, table.number, lastKey, BATCH);
    for (const row of rows) {
      yield {
        rowid: Number(row["rowid"]),
        document: decodeValue(JSON.parse(String(row["json"]))) as ObjectValue,
      };
      if (row["id_key"] instanceof Uint8Array) lastKey = row["id_key"];
    }
    if (rows.length < BATCH) return;
  }
}
