/** Turns a serialized query of `convex/server` into a source of documents, an order and a list of operators. */
import type { ComponentPath } from "../protocol/deployedCode.ts";
import { compileSearch } from "../search/compiledSearch.ts";
import type { SearchFilter } from "../search/compiledSearch.ts";
import type { SearchSource } from "../search/searchScan.ts";
import type { AnyIndex, CatalogIndex, CatalogTable } from "../store/catalog.ts";
import { BY_CREATION_TIME, BY_ID } from "../store/catalog.ts";
import type { Order } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { indexKey } from "../values/indexKey.ts";
import type { Expression } from "./filterExpression.ts";
import { decodeOrUndefined, parseExpression } from "./filterExpression.ts";
import { rangeInterval } from "./indexRange.ts";
import type { RangeExpression } from "./indexRange.ts";
import { SyscallArgs } from "./syscallArgs.ts";

export type QueryOperator = { kind: "filter"; expression: Expression } | { kind: "limit"; count: number };

export interface RangeSource {
  table: CatalogTable;
  index: CatalogIndex;
  interval: KeyInterval;
}

export interface QueryPlan {
  /** null when nothing was ever written to the table. */
  source: RangeSource | SearchSource | null;
  order: Order;
  operators: QueryOperator[];
}

/** The client library lets no query have more (Convex: MAX_QUERY_OPERATORS). */
const MAX_OPERATORS = 256;
const EVERYTHING: KeyInterval = { lower: indexKey([]), upper: null };

/** @throws Error when the index is unknown or the range does not follow its fields. */
export function planQuery(transaction: Transaction, component: ComponentPath, query: SyscallArgs): QueryPlan {
  const source = query.object("source");
  const order: Order = source.optionalString("order") === "desc" ? "desc" : "asc";
  const list = query.list("operators");
  if (list.length > MAX_OPERATORS) {
    throw new Error(`Query has too many operators: ${list.length} (maximum ${MAX_OPERATORS})`);
  }
  const operators = list.map((json) => parseOperator(new SyscallArgs(json)));
  return { source: planSource(transaction, component, source), order, operators };
}

function planSource(
  transaction: Transaction,
  component: ComponentPath,
  source: SyscallArgs,
): QueryPlan["source"] {
  const type = source.string("type");
  if (type === "FullTableScan") {
    const table = transaction.readTable(component, source.string("tableName"));
    return table ? wholeTable(table) : null;
  }
  const fullName = source.string("indexName");
  const [tableName = "", indexName = ""] = fullName.split(".");
  const table = transaction.readTable(component, tableName);
  if (!table) {
    if (type === "IndexRange" && (indexName === BY_ID || indexName === BY_CREATION_TIME)) return null;
    throw new Error(`Index ${fullName} not found.`);
  }
  const index = usableIndex(table, indexName, fullName);
  if (type === "Search") {
    if (index.kind !== "search") throw new Error(`Index ${fullName} is not a search index`);
    const filters = source.list("filters").map((json) => parseSearchFilter(new SyscallArgs(json)));
    return { table, index, search: compileSearch(tableName, index, filters), interval: EVERYTHING };
  }
  if (type !== "IndexRange") throw new Error(`Unknown kind of query: ${type}`);
  if (index.kind !== "database") throw new Error(`Index ${fullName} is not a database index`);
  const range = source.list("range").map((json) => parseRangeExpression(new SyscallArgs(json)));
  return { table, index, interval: rangeInterval(tableName, index, range) };
}

function usableIndex(table: CatalogTable, indexName: string, fullName: string): AnyIndex {
  const index = table.indexes.get(indexName) ?? table.searchIndexes.get(indexName);
  if (index) return index;
  if (table.maintained.some(({ name, state }) => name === indexName && state === "staged")) {
    throw new Error(`Index ${fullName} is currently staged and not available to query until it is enabled.`);
  }
  throw new Error(`Index ${fullName} not found.`);
}

function wholeTable(table: CatalogTable): RangeSource {
  const index = table.indexes.get(BY_CREATION_TIME);
  if (!index) throw new Error(`Index ${table.name}.${BY_CREATION_TIME} not found.`);
  return { table, index, interval: EVERYTHING };
}

function parseOperator(operator: SyscallArgs): QueryOperator {
  const count = operator.optionalNumber("limit");
  if (count !== null) return { kind: "limit", count };
  return { kind: "filter", expression: parseExpression(operator.json("filter")) };
}

function parseRangeExpression(expression: SyscallArgs): RangeExpression {
  return {
    type: expression.string("type"),
    fieldPath: expression.string("fieldPath"),
    value: decodeOrUndefined(expression.json("value")),
  };
}

function parseSearchFilter(filter: SyscallArgs): SearchFilter {
  const fieldPath = filter.string("fieldPath");
  if (filter.string("type") === "Search") {
    return { type: "Search", fieldPath, text: filter.string("value") };
  }
  return { type: "Eq", fieldPath, value: decodeOrUndefined(filter.json("value")) };
}
