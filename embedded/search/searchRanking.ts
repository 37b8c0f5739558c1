/**
 * Which documents a search finds, best first: BM25 as Convex counts it (Tantivy's constants, lengths rounded to one
 * byte, half the weight for what only begins with the last word).
 */
import type { CatalogSearchIndex } from "../store/catalog.ts";
import type { Database, Row } from "../store/database.ts";
import { indexKey } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import type { CompiledSearch } from "./compiledSearch.ts";
import { wordTerm } from "./searchEntries.ts";

/** Convex ranks no more than so many documents (MAX_CANDIDATE_REVISIONS). */
export const MAX_CANDIDATES = 1024;

/** Terms a search is widened to by what begins with its last word (Convex: MAX_UNIQUE_QUERY_TERMS). */
const MAX_TERMS = 64;
const PREFIX_BOOST = 0.5;
const SATURATION = 1.2;
const LENGTH_WEIGHT = 0.75;
const AFTER_EVERY_WORD = "\u{10ffff}";

export interface Candidate {
  /** Key of the document's id. */
  idKey: IndexKey;
  /** Place among the results: score and creation time, largest first, then the id. */
  key: IndexKey;
}

interface WeightedTerm {
  term: string;
  weight: number;
}

/** At most `MAX_CANDIDATES`; documents that tie come newest first. */
export function rankedCandidates(
  database: Database,
  index: CatalogSearchIndex,
  { words, filterTerms }: CompiledSearch,
): Candidate[] {
  const statistics = database.get(
    "SELECT entries, words FROM search_statistics WHERE index_id = ?",
    index.id,
  );
  const entries = Number(statistics?.["entries"] ?? 0);
  const terms = weightedTerms(database, index, words, entries);
  if (terms.length === 0) return [];
  const averageLength = Number(statistics?.["words"]) / entries;
  const rows = database.all(
    filterTerms.length === 0 ? UNFILTERED : FILTERED,
    JSON.stringify(terms.map(({ term, weight }) => [term, weight])),
    averageLength,
    ...(filterTerms.length === 0 ? [] : [JSON.stringify(filterTerms), filterTerms.length]),
    MAX_CANDIDATES,
  );
  return rows.map(candidateOf).sort((a, b) => Buffer.compare(a.key, b.key));
}

function candidateOf(row: Row): Candidate {
  const idKey = Buffer.from(row["id_key"] as Uint8Array);
  // Convex's scores have single precision.
  const score = Math.fround(Number(row["score"]));
  const key = Buffer.concat([indexKey([-score, -Number(row["creation_time"])]), idKey]);
  return { idKey, key };
}

/** How many documents have the filter value, to find the narrowest. */
export function documentsWithTerm(database: Database, term: string): number {
  return Number(database.get("SELECT doc FROM search_term_counts WHERE term = ?", term)?.["doc"] ?? 0);
}

function weightedTerms(
  database: Database,
  index: CatalogSearchIndex,
  words: readonly string[],
  entries: number,
): WeightedTerm[] {
  const weighted = new Map<string, WeightedTerm>();
  const add = ({ term, doc }: Row, boost: number): void => {
    const documents = Number(doc);
    const rarity = Math.log(1 + (entries - documents + 0.5) / (documents + 0.5));
    const weight = boost * rarity * (1 + SATURATION);
    if (!weighted.has(String(term))) weighted.set(String(term), { term: String(term), weight });
  };
  for (const word of words) {
    const row = database.get(
      "SELECT term, doc FROM search_term_counts WHERE term = ?",
      wordTerm(index.id, word),
    );
    if (row) add(row, 1);
  }
  const last = words.at(-1);
  if (last === undefined) return [];
  const prefix = wordTerm(index.id, last);
  const longer = database.all(
    "SELECT term, doc FROM search_term_counts WHERE term > ? AND term < ? LIMIT ?",
    prefix,
    prefix + AFTER_EVERY_WORD,
    MAX_TERMS - weighted.size,
  );
  for (const row of longer) add(row, PREFIX_BOOST);
  return [...weighted.values()];
}

/** Lengths from 40 on are rounded down so that each fits a byte. */
const ROUNDED_LENGTH = `iif(length < 40, length,
  24 + (((length - 24) >> (CAST(log2(length - 24) AS INTEGER) - 3)) << (CAST(log2(length - 24) AS INTEGER) - 3)))`;

function rankingSql(condition: string, limit: string): string {
  return `
    WITH hits AS (
      SELECT places.doc AS entry, wanted.value ->> 1 AS weight, count(*) AS frequency
      FROM json_each(?1) AS wanted CROSS JOIN search_term_places AS places ON places.term = wanted.value ->> 0
      ${condition}
      GROUP BY wanted.key, places.doc
    ),
    scored AS (
      SELECT search_entries.document, creation_time, sum(weight * frequency /
        (frequency + ${SATURATION} * (1 - ${LENGTH_WEIGHT} + ${LENGTH_WEIGHT} * ${ROUNDED_LENGTH} / ?2))) AS score
      FROM hits JOIN search_entries ON search_entries.id = hits.entry
      GROUP BY hits.entry
    ),
    best AS (SELECT * FROM scored ORDER BY score DESC, creation_time DESC LIMIT ${limit})
    SELECT score, creation_time, id_key FROM best JOIN documents ON documents.rowid = best.document`;
}

const UNFILTERED = rankingSql("", "?3");

const FILTERED = rankingSql(
  `WHERE places.doc IN (
     SELECT doc FROM json_each(?3) AS filter CROSS JOIN search_term_places AS matching ON matching.term = filter.value
     GROUP BY doc HAVING count(*) = ?4
   )`,
  "?5",
);
