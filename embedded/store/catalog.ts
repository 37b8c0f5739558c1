/**
 * Tables and indexes of all components, mirrored in memory. Changes are made inside the open transaction;
 * whoever begins a transaction or rolls one (or a savepoint) back says so.
 */
import type { ComponentPath, IndexDefinition } from "../protocol/deployedCode.ts";
import type { Database } from "./database.ts";

export interface CatalogIndex {
  id: number;
  name: string;
  /** All fields of the key in order, `_creationTime` and `_id` included. */
  fields: readonly string[];
}

export interface CatalogTable {
  number: number;
  component: ComponentPath;
  name: string;
  indexes: Map<string, CatalogIndex>;
  /** The index that is the documents table itself. */
  byId: CatalogIndex;
}

export const BY_ID = "by_id";
export const BY_CREATION_TIME = "by_creation_time";
const BUILT_IN: readonly IndexDefinition[] = [
  { name: BY_ID, fields: [] },
  { name: BY_CREATION_TIME, fields: [] },
];

export class Catalog {
  readonly #database: Database;
  #byNumber = new Map<number, CatalogTable>();
  #byName = new Map<string, CatalogTable>();
  #changed = false;

  constructor(database: Database) {
    this.#database = database;
    this.#load();
  }

  table(component: ComponentPath, name: string): CatalogTable | undefined {
    return this.#byName.get(nameKey(component, name));
  }

  tableByNumber(number: number): CatalogTable | undefined {
    return this.#byNumber.get(number);
  }

  /** Names of the component's tables by number. */
  tableNames(component: ComponentPath): (number: number) => string | null {
    return (number) => {
      const table = this.#byNumber.get(number);
      return table?.component === component ? table.name : null;
    };
  }

  tablesOf(component: ComponentPath): CatalogTable[] {
    return [...this.#byNumber.values()].filter((table) => table.component === component);
  }

  createTable(component: ComponentPath, name: string): CatalogTable {
    this.#changed = true;
    const number = this.#database.run("INSERT INTO tables (component, name) VALUES (?, ?)", component, name);
    for (const index of BUILT_IN) this.#insertIndex(number, index);
    this.#load();
    const table = this.#byNumber.get(number);
    if (!table) throw new Error(`Table ${name} was not created`);
    return table;
  }

  /** Adds the index without entries. */
  createIndex(table: CatalogTable, definition: IndexDefinition): CatalogIndex {
    this.#changed = true;
    const id = this.#insertIndex(table.number, definition);
    const index = { id, name: definition.name, fields: keyFields(definition) };
    table.indexes.set(index.name, index);
    return index;
  }

  /** Removes the index with its entries. */
  dropIndex(table: CatalogTable, index: CatalogIndex): void {
    this.#changed = true;
    this.#database.run("DELETE FROM index_entries WHERE index_id = ?", index.id);
    this.#database.run("DELETE FROM indexes WHERE id = ?", index.id);
    table.indexes.delete(index.name);
  }

  afterBegin(): void {
    this.#changed = false;
  }

  /** Reads the catalog again if the transaction had changed it. */
  afterRollback(): void {
    if (this.#changed) this.#load();
  }

  #insertIndex(tableNumber: number, definition: IndexDefinition): number {
    return this.#database.run(
      "INSERT INTO indexes (table_number, name, fields) VALUES (?, ?, ?)",
      tableNumber,
      definition.name,
      JSON.stringify(definition.fields),
    );
  }

  #load(): void {
    this.#byNumber = new Map();
    this.#byName = new Map();
    const indexes = Map.groupBy(
      this.#database.all("SELECT * FROM indexes ORDER BY id"),
      (row) => row["table_number"],
    );
    for (const row of this.#database.all("SELECT * FROM tables ORDER BY number")) {
      const byName = new Map<string, CatalogIndex>();
      for (const indexRow of indexes.get(row["number"] ?? null) ?? []) {
        const name = String(indexRow["name"]);
        const fields = JSON.parse(String(indexRow["fields"])) as string[];
        byName.set(name, { id: Number(indexRow["id"]), name, fields: keyFields({ name, fields }) });
      }
      const byId = byName.get(BY_ID);
      if (!byId)
        throw new Error(`The database is damaged: table ${String(row["name"])} has no index ${BY_ID}`);
      const table: CatalogTable = {
        number: Number(row["number"]),
        component: String(row["component"]),
        name: String(row["name"]),
        indexes: byName,
        byId,
      };
      this.#byNumber.set(table.number, table);
      this.#byName.set(nameKey(table.component, table.name), table);
    }
  }
}

/** The implicit fields make every key unique and give documents that tie the order of their insertion. */
function keyFields({ name, fields }: IndexDefinition): string[] {
  if (name === BY_ID) return ["_id"];
  return [...fields, "_creationTime", "_id"];
}

function nameKey(component: ComponentPath, name: string): string {
  return `${component}:${name}`;
}
