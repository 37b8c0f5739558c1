/**
 * What a search depends on, in the terms of read and write sets: keys of a search index are a filter value (or none) and
 * a word. A document writes the keys of each of its words under each of its filter values, before and after a change
 * that the index sees; a search reads the keys of its words under the narrowest of its filters. As on Convex, scores
 * that shift because other documents make a word more or less rare are no reason to run a search again.
 */
import type { IndexReads } from "../transaction/readSet.ts";
import type { IndexWrites } from "../transaction/writeSet.ts";
import type { CatalogSearchIndex } from "../store/catalog.ts";
import { keyAfterPrefix } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import type { SearchEntry } from "./searchEntries.ts";

/** A document with more keys than this writes one for all words under each filter value. */
const MAX_KEYS = 4096;
const ANY_FILTER = "";
const END = "\0";

/** @param filter - Narrowest filter term of the search; null when it has none. */
export function readSearch(
  reads: IndexReads,
  index: CatalogSearchIndex,
  words: readonly string[],
  filter: string | null,
): void {
  const under = filter ?? ANY_FILTER;
  for (const word of words.slice(0, -1)) reads.addPoint(index.id, wordKey(under, word));
  const last = words.at(-1);
  if (last === undefined) return;
  const lower = keyBeginning(under, last);
  reads.add(index.id, { lower, upper: keyAfterPrefix(lower) });
  reads.addPoint(index.id, everyWordKey(under));
}

export function writeSearch(writes: IndexWrites, index: CatalogSearchIndex, entry: SearchEntry): void {
  const words = new Set(entry.words);
  const filters = [ANY_FILTER, ...entry.filters];
  const isLarge = words.size * filters.length > MAX_KEYS;
  for (const filter of filters) {
    if (isLarge) writes.add(index.id, everyWordKey(filter));
    else for (const word of words) writes.add(index.id, wordKey(filter, word));
  }
}

function keyBeginning(filter: string, word: string): IndexKey {
  return Buffer.from(`${filter}${END}${word}`);
}

function wordKey(filter: string, word: string): IndexKey {
  return keyBeginning(filter, `${word}${END}`);
}

/** Sorts before every word. */
function everyWordKey(filter: string): IndexKey {
  return wordKey(filter, "");
}
