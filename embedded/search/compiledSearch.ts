/** From the filters of `withSearchIndex` to words and filter values, with the limits and errors of Convex. */
import type { CatalogSearchIndex } from "../store/catalog.ts";
import type { Value } from "../values/convexJson.ts";
import { filterTerm } from "./searchEntries.ts";
import { searchTokens } from "./searchTokens.ts";

/** Words after these are not looked at (Convex: MAX_QUERY_TERMS). */
const MAX_WORDS = 16;
/** Convex: MAX_FILTER_CONDITIONS. */
const MAX_FILTERS = 8;

export type SearchFilter =
  | { type: "Search"; fieldPath: string; text: string }
  | { type: "Eq"; fieldPath: string; value: Value | undefined };

export interface CompiledSearch {
  /** The last one also stands for every word that begins with it. Empty finds nothing. */
  words: readonly string[];
  /** Terms that a document must have, each once. */
  filterTerms: readonly string[];
}

/** @throws Error when the filters do not fit the index. */
export function compileSearch(
  tableName: string,
  index: CatalogSearchIndex,
  filters: readonly SearchFilter[],
): CompiledSearch {
  const what = `Search query against ${tableName}.${index.name}`;
  let text: string | null = null;
  const filterTerms: string[] = [];
  for (const filter of filters) {
    if (filter.type === "Search") {
      checkSearchField(what, index, filter.fieldPath, text !== null);
      text = filter.text;
    } else filterTerms.push(termOf(what, index, filter));
  }
  if (text === null) {
    throw new Error(
      `${what} does not contain any search filters. You must include a search filter like ` +
        `\`q.search("${index.searchField}", searchText)\`.`,
    );
  }
  if (filterTerms.length > MAX_FILTERS) {
    throw new Error(
      `${what} has too many filter conditions. Max: ${MAX_FILTERS} Actual: ${filterTerms.length}`,
    );
  }
  return { words: firstWords(text), filterTerms: [...new Set(filterTerms)] };
}

function firstWords(text: string): string[] {
  const words: string[] = [];
  for (const word of searchTokens(text)) {
    words.push(word);
    if (words.length === MAX_WORDS) break;
  }
  return words;
}

function checkSearchField(
  what: string,
  { searchField }: CatalogSearchIndex,
  fieldPath: string,
  isSecond: boolean,
): void {
  if (fieldPath !== searchField) {
    throw new Error(
      `${what} contains a search filter against "${fieldPath}", which doesn't match the indexed ` +
        `\`searchField\` "${searchField}".`,
    );
  }
  if (isSecond) {
    throw new Error(`${what} contains multiple search filters against "${fieldPath}". Only one is allowed.`);
  }
}

function termOf(
  what: string,
  index: CatalogSearchIndex,
  { fieldPath, value }: Extract<SearchFilter, { type: "Eq" }>,
): string {
  const position = index.filterFields.indexOf(fieldPath);
  if (position === -1) {
    throw new Error(
      `${what} contains an equality filter on "${fieldPath}" but that field isn't indexed for filtering in ` +
        "`filterFields`.",
    );
  }
  return filterTerm(index, position, value);
}
