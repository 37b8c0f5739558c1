/** What a schema may declare of search indexes, with Convex's messages. */
import type { AnalyzedSearchIndex, AnalyzedTable } from "../protocol/pushMessages.ts";
import { identifierProblem } from "../values/valueRules.ts";

const maxFilterFields = 16;

/** Live and staged ones. */
export function searchIndexesOf({
  searchIndexes: live = [],
  stagedSearchIndexes = [],
}: AnalyzedTable): AnalyzedSearchIndex[] {
  return [...live, ...stagedSearchIndexes];
}

/** @returns the first problem, or null. */
export function checkSearchIndexes(table: AnalyzedTable): string | null {
  const { tableName } = table;
  const seen = new Map<string, string>();
  for (const { indexDescriptor: name, searchField, filterFields } of searchIndexesOf(table)) {
    const inIndex = `In table "${tableName}": In index "${name}":`;
    if (filterFields.length > maxFilterFields)
      return `${inIndex} Search indexes may have up to ${maxFilterFields} filter fields.`;
    const invalid = [searchField, ...filterFields].find((field) =>
      field.split(".").some((part) => identifierProblem(part) !== null),
    );
    if (invalid !== undefined) return `${inIndex} Invalid index field: "${invalid}"`;
    const key = JSON.stringify([searchField, filterFields.toSorted()]);
    const other = seen.get(key);
    if (other !== undefined) {
      return (
        `In table "${tableName}" search index "${name}" and search index "${other}" have the same \`searchField\`. Search ` +
        "index fields must be unique within a table. You should combine the indexes with the same `searchField` into one " +
        "index containing all `filterField`s and then use different subsets of the `filterField`s at query time."
      );
    }
    seen.set(key, name);
  }
  return null;
}
