/**
 * Tables and indexes of all components, mirrored in memory. Changes are made inside the open transaction;
 * whoever begins a transaction or rolls one (or a savepoint) back says so.
 */
import type {
  AnyIndexDefinition,
  ComponentPath,
  IndexDefinition,
  SearchIndexDefinition,
} from "../protocol/deployedCode.ts";
import type { Database, Row } from "./database.ts";

/** Queries use what is live. A push fills what is pending; what is staged waits for the push that makes it live. */
export type IndexState = "live" | "staged" | "pending";

interface IndexPlace {
  id: number;
  name: string;
  state: IndexState;
  /** Key of the last document that was put in when it was filled; null when all are in. */
  filledTo: Uint8Array | null;
}

export interface CatalogIndex extends IndexPlace {
  kind: "database";
  /** All fields of the key in order, `_creationTime` and `_id` included. */
  fields: readonly string[];
}

export interface CatalogSearchIndex extends IndexPlace {
  kind: "search";
  searchField: string;
  filterFields: readonly string[];
}

export type AnyIndex = CatalogIndex | CatalogSearchIndex;

export interface CatalogTable {
  number: number;
  component: ComponentPath;
  name: string;
  /** The live ones by name, by_id and by_creation_time among them. */
  indexes: Map<string, CatalogIndex>;
  searchIndexes: Map<string, CatalogSearchIndex>;
  /** All that a write must keep up. */
  maintained: AnyIndex[];
  /** The index that is the documents table itself. */
  byId: CatalogIndex;
}

export const BY_ID = "by_id";
export const BY_CREATION_TIME = "by_creation_time";
const BUILT_IN: readonly IndexDefinition[] = [
  { name: BY_ID, fields: [] },
  { name: BY_CREATION_TIME, fields: [] },
];
const NOTHING_FILLED = new Uint8Array();

/** Told of every document that is inserted, changed or removed, also when that is undone later. */
export type WriteWatcher = (tableNumber: number, idKey: Uint8Array) => void;

export class Catalog {
  readonly watchers = new Set<WriteWatcher>();
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
    return this.tables().filter((table) => table.component === component);
  }

  tables(): CatalogTable[] {
    return [...this.#byNumber.values()];
  }

  createTable(component: ComponentPath, name: string): CatalogTable {
    this.#changed = true;
    const number = this.#database.run("INSERT INTO tables (component, name) VALUES (?, ?)", component, name);
    for (const index of BUILT_IN) this.#insertIndex(number, index, "live", null);
    this.#load();
    const table = this.#byNumber.get(number);
    if (!table) throw new Error(`Table ${name} was not created`);
    return table;
  }

  /** Adds the index without entries: those of later writes come by themselves, the rest is to be filled in. */
  createIndex(table: CatalogTable, definition: AnyIndexDefinition, state: IndexState): void {
    this.#changed = true;
    const isEmpty =
      this.#database.get("SELECT 1 FROM documents WHERE table_number = ? LIMIT 1", table.number) ===
      undefined;
    this.#insertIndex(table.number, definition, state, isEmpty ? null : NOTHING_FILLED);
    this.#load();
  }

  setState({ id }: AnyIndex, state: IndexState): void {
    this.#changed = true;
    this.#database.run("UPDATE indexes SET state = ? WHERE id = ?", state, id);
    this.#load();
  }

  /** @param filledTo - Key of the last document put in; null when all are. */
  setFilledTo(index: AnyIndex, filledTo: Uint8Array | null): void {
    this.#changed = true;
    this.#database.run("UPDATE indexes SET filled_to = ? WHERE id = ?", filledTo, index.id);
    index.filledTo = filledTo;
  }

  /** Its entries are removed later, a part at a time (indexSweep.ts). */
  dropIndex({ id }: AnyIndex): void {
    this.#changed = true;
    this.#database.run("DELETE FROM indexes WHERE id = ?", id);
    this.#database.run("INSERT INTO dropped_indexes (id) VALUES (?)", id);
    this.#load();
  }

  afterBegin(): void {
    this.#changed = false;
  }

  /** Reads the catalog again if the transaction had changed it. */
  afterRollback(): void {
    if (this.#changed) this.#load();
  }

  #insertIndex(
    tableNumber: number,
    definition: AnyIndexDefinition,
    state: IndexState,
    filledTo: Uint8Array | null,
  ): void {
    this.#database.run(
      "INSERT INTO indexes (table_number, name, fields, state, filled_to) VALUES (?, ?, ?, ?, ?)",
      tableNumber,
      definition.name,
      storedFields(definition),
      state,
      filledTo,
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
      const table = tableOf(row, (indexes.get(row["number"] ?? null) ?? []).map(indexOf));
      this.#byNumber.set(table.number, table);
      this.#byName.set(nameKey(table.component, table.name), table);
    }
  }
}

/** Whether an index is what the definition asks for, whatever its state. */
export function isIndexOf(index: AnyIndex, definition: AnyIndexDefinition): boolean {
  if (index.name !== definition.name) return false;
  if (index.kind === "search") {
    return "searchField" in definition && storedFields(index) === storedFields(definition);
  }
  return "fields" in definition && JSON.stringify(index.fields) === JSON.stringify(keyFields(definition));
}

function tableOf(row: Row, maintained: AnyIndex[]): CatalogTable {
  const live = maintained.filter(({ state }) => state === "live");
  const indexes = new Map(live.filter(isDatabaseIndex).map((index) => [index.name, index]));
  const searchIndexes = new Map(live.filter(isSearchIndex).map((index) => [index.name, index]));
  const byId = indexes.get(BY_ID);
  if (!byId) throw new Error(`The database is damaged: table ${String(row["name"])} has no index ${BY_ID}`);
  return {
    number: Number(row["number"]),
    component: String(row["component"]),
    name: String(row["name"]),
    indexes,
    searchIndexes,
    maintained,
    byId,
  };
}

function isDatabaseIndex(index: AnyIndex): index is CatalogIndex {
  return index.kind === "database";
}

function isSearchIndex(index: AnyIndex): index is CatalogSearchIndex {
  return index.kind === "search";
}

function indexOf(row: Row): AnyIndex {
  const place = {
    id: Number(row["id"]),
    name: String(row["name"]),
    state: row["state"] as IndexState,
    filledTo: row["filled_to"] as Uint8Array | null,
  };
  const stored = JSON.parse(String(row["fields"])) as string[] | Omit<SearchIndexDefinition, "name">;
  return Array.isArray(stored)
    ? { ...place, kind: "database", fields: keyFields({ name: place.name, fields: stored }) }
    : { ...place, kind: "search", ...stored };
}

/** As the column `fields` holds them. The order of filter fields means nothing. */
function storedFields(
  definition: IndexDefinition | Pick<CatalogSearchIndex, "searchField" | "filterFields">,
): string {
  if ("fields" in definition) return JSON.stringify(definition.fields);
  const { searchField, filterFields } = definition;
  return JSON.stringify({ searchField, filterFields: filterFields.toSorted() });
}

/** The implicit fields make every key unique and give documents that tie the order of their insertion. */
function keyFields({ name, fields }: IndexDefinition): string[] {
  if (name === BY_ID) return ["_id"];
  return [...fields, "_creationTime", "_id"];
}

function nameKey(component: ComponentPath, name: string): string {
  return `${component}:${name}`;
}
