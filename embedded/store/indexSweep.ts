/** Removes what is left of dropped indexes, a part at a time. */
import { removeSearchEntries } from "../search/searchEntries.ts";
import type { Database } from "./database.ts";

const PART = 500;

/** In the open transaction. @returns whether anything is left. */
export function sweepPart(database: Database): boolean {
  const dropped = database.get("SELECT id FROM dropped_indexes LIMIT 1");
  if (!dropped) return false;
  const id = Number(dropped["id"]);
  const keys = database.all("SELECT key FROM index_entries WHERE index_id = ? LIMIT ?", id, PART);
  for (const { key } of keys)
    database.run("DELETE FROM index_entries WHERE index_id = ? AND key = ?", id, key ?? null);
  if (keys.length < PART && removeSearchEntries(database, id, PART) < PART)
    database.run("DELETE FROM dropped_indexes WHERE id = ?", id);
  return hasDroppedIndexes(database);
}

export function hasDroppedIndexes(database: Database): boolean {
  return database.get("SELECT 1 FROM dropped_indexes LIMIT 1") !== undefined;
}
