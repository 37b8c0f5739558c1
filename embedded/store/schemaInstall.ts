/** Brings tables and indexes in line with pushed code, in the transaction that installs it. */
import { liveIndexes, stagedIndexes } from "../protocol/deployedCode.ts";
import type { AnyIndexDefinition, DeployedCode, TableDefinition } from "../protocol/deployedCode.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { AnyIndex, CatalogTable, IndexState } from "./catalog.ts";
import { BY_CREATION_TIME, BY_ID, isIndexOf } from "./catalog.ts";
import { fillPart } from "./indexFill.ts";

/** Creates tables and indexes, makes filled ones live, drops vanished ones. Documents are never removed. */
export function installSchema(transaction: Transaction, code: DeployedCode): void {
  transaction.touch();
  for (const { path, schema } of Object.values(code.components)) {
    const definitions = new Map(schema?.tables.map((definition) => [definition.tableName, definition]));
    for (const tableName of definitions.keys()) transaction.ensureTable(path, tableName);
    for (const { name, number } of transaction.catalog.tablesOf(path)) {
      installIndexes(transaction, number, definitions.get(name));
    }
  }
}

function installIndexes(
  transaction: Transaction,
  tableNumber: number,
  definition: TableDefinition | undefined,
): void {
  const kept = new Set<number>();
  const wanted: [IndexState, AnyIndexDefinition[]][] = definition
    ? [
        ["live", liveIndexes(definition)],
        ["staged", stagedIndexes(definition)],
      ]
    : [];
  for (const [state, definitions] of wanted) {
    for (const index of definitions) kept.add(installIndex(transaction, tableNumber, index, state));
  }
  for (const index of tableAt(transaction, tableNumber).maintained) {
    if (index.name !== BY_ID && index.name !== BY_CREATION_TIME && !kept.has(index.id))
      transaction.catalog.dropIndex(index);
  }
}

/** @returns the id of the index. */
function installIndex(
  transaction: Transaction,
  tableNumber: number,
  definition: AnyIndexDefinition,
  state: IndexState,
): number {
  const { catalog } = transaction;
  const find = (): AnyIndex | undefined => {
    const matching = tableAt(transaction, tableNumber).maintained.filter((index) =>
      isIndexOf(index, definition),
    );
    return matching.find((index) => index.state === "live") ?? matching[0];
  };
  const existing = find();
  if (!existing) catalog.createIndex(tableAt(transaction, tableNumber), definition, state);
  else if (existing.state !== state) catalog.setState(existing, state);
  const installed = find();
  if (!installed) throw new Error(`Index ${definition.name} was not created`);
  // Only a table that was made since the push was prepared has anything left here.
  if (state === "live") fillWhole(transaction, tableNumber, installed);
  return installed.id;
}

function fillWhole(transaction: Transaction, tableNumber: number, index: AnyIndex): void {
  const table = tableAt(transaction, tableNumber);
  while (index.filledTo !== null) fillPart(transaction.database, transaction.catalog, table, index);
}

function tableAt({ catalog }: Transaction, number: number): CatalogTable {
  const table = catalog.tableByNumber(number);
  if (!table) throw new Error(`There is no table with the number ${number}`);
  return table;
}
