/** Reads the documents a search finds, best first. What it finds is decided once, when the first is asked for. */
import type { CatalogSearchIndex, CatalogTable } from "../store/catalog.ts";
import type { ScannedDocument } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { IndexKey } from "../values/indexKey.ts";
import type { CompiledSearch } from "./compiledSearch.ts";
import { documentsWithTerm, MAX_CANDIDATES, rankedCandidates } from "./searchRanking.ts";
import type { Candidate } from "./searchRanking.ts";
import { readSearch } from "./searchReads.ts";

export interface SearchSource {
  table: CatalogTable;
  index: CatalogSearchIndex;
  search: CompiledSearch;
  /** Part of the results to read: keys are a score, a creation time and an id. */
  interval: KeyInterval;
}

export class SearchScan {
  readonly #transaction: Transaction;
  readonly #source: SearchSource;
  #candidates: Candidate[] | null = null;
  #position = 0;

  constructor(transaction: Transaction, source: SearchSource) {
    this.#transaction = transaction;
    this.#source = source;
    transaction.usage.count("databaseQueries", 1);
  }

  /** Size of the document that `next` will hand out; 0 at the end. */
  nextBytes(): number {
    this.#candidates ??= this.#find();
    const next = this.#candidates[this.#position];
    return next ? this.#transaction.documentBytes(this.#source.table, next.idKey) : 0;
  }

  /** @throws Error when Convex would not look at so many results. */
  next(): ScannedDocument | null {
    this.#candidates ??= this.#find();
    for (;;) {
      if (this.#position === MAX_CANDIDATES) {
        throw new Error(
          `Search query scanned too many documents (fetched ${MAX_CANDIDATES}). Consider using a smaller limit, ` +
            "paginating the query, or using a filter field to limit the number of documents pulled from the search index.",
        );
      }
      const candidate = this.#candidates[this.#position];
      if (!candidate) return null;
      this.#position += 1;
      const { idKey, key } = candidate;
      const document = this.#transaction.getByKey(this.#source.table, idKey);
      // What this very function removed since the search began is passed over.
      if (document) return { ...document, key };
    }
  }

  #find(): Candidate[] {
    const { index, search, interval } = this.#source;
    const { database, reads } = this.#transaction;
    const counts = search.filterTerms.map((term) => ({ term, documents: documentsWithTerm(database, term) }));
    const [narrowest] = counts.toSorted((a, b) => a.documents - b.documents);
    readSearch(reads, index, search.words, narrowest?.term ?? null);
    return rankedCandidates(database, index, search).filter(({ key }) => isWithin(interval, key));
  }
}

function isWithin({ lower, upper }: KeyInterval, key: IndexKey): boolean {
  return Buffer.compare(key, lower) >= 0 && (upper === null || Buffer.compare(key, upper) < 0);
}
