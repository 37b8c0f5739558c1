/**
 * The contents of search indexes: terms in one FTS5 table for all indexes, lengths and statistics beside it. It is
 * written in the transaction that writes the document, so that a rollback undoes both.
 *
 * FTS5 is used as an inverted index only: its tokenizer gets terms that are already made (searchTokens.ts), and its
 * query language is never spoken. A term in it is the index, a mark and the word or filter value:
 * `12\u{e000}hello`, `12\u{e001}0\u{e001}<hash>`; the marks are no letters, so no word can contain one.
 */
import { hash } from "node:crypto";

import type { CatalogSearchIndex } from "../store/catalog.ts";
import type { Database } from "../store/database.ts";
import type { ObjectValue, Value } from "../values/convexJson.ts";
import { valueAtPath } from "../values/convexJson.ts";
import { indexKey } from "../values/indexKey.ts";
import { searchTokens } from "./searchTokens.ts";

const WORD_MARK = "\u{e000}";
const FILTER_MARK = "\u{e001}";

/** What a search index knows of one document. */
export interface SearchEntry {
  /** Words in the order of the text, with repetitions. */
  words: string[];
  /** `filterTerm` of each filter field, in the order of the fields. */
  filters: string[];
}

/** Term of a word in the FTS5 table. */
export function wordTerm(indexId: number, word: string): string {
  return `${indexId}${WORD_MARK}${word}`;
}

/** Term of a filter field's value; a missing field is a value too, another one than null. */
export function filterTerm(index: CatalogSearchIndex, position: number, value: Value | undefined): string {
  return `${index.id}${FILTER_MARK}${position}${FILTER_MARK}${hash("sha256", indexKey([value]))}`;
}

export function searchEntry(index: CatalogSearchIndex, document: ObjectValue): SearchEntry {
  const text = valueAtPath(document, index.searchField);
  return {
    words: typeof text === "string" ? [...searchTokens(text)] : [],
    filters: index.filterFields.map((path, position) =>
      filterTerm(index, position, valueAtPath(document, path)),
    ),
  };
}

/** Whether two versions of a document are the same to the index. */
export function isSameToSearch(
  index: CatalogSearchIndex,
  before: ObjectValue | null,
  after: ObjectValue | null,
): boolean {
  if (!before || !after) return false;
  return [index.searchField, ...index.filterFields].every((path) =>
    indexKey([valueAtPath(before, path)]).equals(indexKey([valueAtPath(after, path)])),
  );
}

/** The document must have no entry in this index. */
export function addSearchEntry(
  database: Database,
  index: CatalogSearchIndex,
  { words, filters }: SearchEntry,
  document: { rowid: number; creationTime: number },
): void {
  const id = database.run(
    "INSERT INTO search_entries (index_id, document, length, creation_time) VALUES (?, ?, ?, ?)",
    index.id,
    document.rowid,
    words.length,
    document.creationTime,
  );
  const terms = [...words.map((word) => wordTerm(index.id, word)), ...filters];
  database.run("INSERT INTO search_terms (rowid, terms) VALUES (?, ?)", id, terms.join(" "));
  countEntries(database, index.id, 1, words.length);
}

/** Does nothing where there is no entry: the index may still be filling. */
export function removeSearchEntry(
  database: Database,
  index: CatalogSearchIndex,
  documentRowid: number,
): void {
  const entry = database.get(
    "SELECT id, length FROM search_entries WHERE index_id = ? AND document = ?",
    index.id,
    documentRowid,
  );
  if (!entry) return;
  removeEntry(database, Number(entry["id"]));
  countEntries(database, index.id, -1, -Number(entry["length"]));
}

export function hasSearchEntry(database: Database, indexId: number, documentRowid: number): boolean {
  const sql = "SELECT 1 FROM search_entries WHERE index_id = ? AND document = ?";
  return database.get(sql, indexId, documentRowid) !== undefined;
}

/** Removes entries of an index that is gone. @returns how many; fewer than `limit` when none is left. */
export function removeSearchEntries(database: Database, indexId: number, limit: number): number {
  const rows = database.all("SELECT id FROM search_entries WHERE index_id = ? LIMIT ?", indexId, limit);
  for (const { id } of rows) removeEntry(database, Number(id));
  if (rows.length < limit) database.run("DELETE FROM search_statistics WHERE index_id = ?", indexId);
  return rows.length;
}

function removeEntry(database: Database, id: number): void {
  database.run("DELETE FROM search_terms WHERE rowid = ?", id);
  database.run("DELETE FROM search_entries WHERE id = ?", id);
}

/** Sums over the index, which every score needs. */
function countEntries(database: Database, indexId: number, entries: number, words: number): void {
  database.run(
    `INSERT INTO search_statistics (index_id, entries, words) VALUES (?, ?, ?)
     ON CONFLICT (index_id) DO UPDATE SET entries = entries + excluded.entries, words = words + excluded.words`,
    indexId,
    entries,
    words,
  );
}
