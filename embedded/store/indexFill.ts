/** Puts the documents that were there before an index into it, a part at a time. Writes in between keep it up too. */
import { addSearchEntry, hasSearchEntry, searchEntry } from "../search/searchEntries.ts";
import { documentKey } from "../transaction/transaction.ts";
import type { AnyIndex, Catalog, CatalogTable } from "./catalog.ts";
import type { Database } from "./database.ts";
import { nextPart } from "./storedDocuments.ts";
import type { StoredRow } from "./storedDocuments.ts";

/** One part, in the open transaction; `filledTo` of the index tells how far it is. */
export function fillPart(database: Database, catalog: Catalog, table: CatalogTable, index: AnyIndex): void {
  if (index.filledTo === null) return;
  const { rows, isLast } = nextPart(database, table, index.filledTo);
  for (const row of rows) putIn(database, index, row);
  catalog.setFilledTo(index, isLast ? null : (rows.at(-1)?.idKey ?? index.filledTo));
}

/** What was written since the index exists is in it already. */
function putIn(database: Database, index: AnyIndex, { rowid, document }: StoredRow): void {
  if (index.kind === "database") {
    const sql = "INSERT OR IGNORE INTO index_entries (index_id, key, document) VALUES (?, ?, ?)";
    database.run(sql, index.id, documentKey(index.fields, document), rowid);
  } else if (!hasSearchEntry(database, index.id, rowid)) {
    const creationTime = Number(document["_creationTime"]);
    addSearchEntry(database, index, searchEntry(index, document), { rowid, creationTime });
  }
}
