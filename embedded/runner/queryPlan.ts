/** Turns a serialized query of `convex/server` into an index interval, an order and a list of operators. */
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { CatalogIndex, CatalogTable } from "../store/catalog.ts";
import { BY_CREATION_TIME, BY_ID } from "../store/catalog.ts";
import type { Order } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Value } from "../values/convexJson.ts";
import { indexKey, keyAfterPrefix } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import type { Expression } from "./filterExpression.ts";
import { decodeOrUndefined, parseExpression } from "./filterExpression.ts";
import { SyscallArgs } from "./syscallArgs.ts";

export type QueryOperator = { kind: "filter"; expression: Expression } | { kind: "limit"; count: number };

export interface QueryPlan {
  /** null when nothing was ever written to the table. */
  source: { table: CatalogTable; index: CatalogIndex; interval: KeyInterval } | null;
  order: Order;
  operators: QueryOperator[];
}

interface RangeExpression {
  type: string;
  fieldPath: string;
  value: Value | undefined;
}

/** @throws Error when the index is unknown or the range does not follow its fields. */
export function planQuery(transaction: Transaction, component: ComponentPath, query: SyscallArgs): QueryPlan {
  const source = query.object("source");
  const order: Order = source.optionalString("order") === "desc" ? "desc" : "asc";
  const operators = query.list("operators").map((json) => parseOperator(new SyscallArgs(json)));
  const type = source.string("type");
  if (type === "FullTableScan") {
    const table = transaction.readTable(component, source.string("tableName"));
    return { source: table ? wholeTable(table) : null, order, operators };
  }
  if (type !== "IndexRange") {
    throw new Error(
      "Full text search is not part of the embedded deployment yet. Use an index, or Convex itself.",
    );
  }
  const [tableName = "", indexName = ""] = source.string("indexName").split(".");
  const table = transaction.readTable(component, tableName);
  const index = table?.indexes.get(indexName);
  if (table && !index) throw new Error(`Index ${tableName}.${indexName} not found.`);
  if (!table && indexName !== BY_ID && indexName !== BY_CREATION_TIME) {
    throw new Error(`Index ${tableName}.${indexName} not found.`);
  }
  if (!table || !index) return { source: null, order, operators };
  const range = source.list("range").map((json) => parseRangeExpression(new SyscallArgs(json)));
  return { source: { table, index, interval: rangeInterval(tableName, index, range) }, order, operators };
}

function wholeTable(table: CatalogTable): NonNullable<QueryPlan["source"]> {
  const index = table.indexes.get(BY_CREATION_TIME);
  if (!index) throw new Error(`Index ${table.name}.${BY_CREATION_TIME} not found.`);
  return { table, index, interval: { lower: indexKey([]), upper: null } };
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

/** Equalities on the first fields in order, then bounds on the next one. */
function rangeInterval(tableName: string, index: CatalogIndex, range: RangeExpression[]): KeyInterval {
  const equal: (Value | undefined)[] = [];
  let lower: IndexKey | null = null;
  let upper: IndexKey | null | undefined;
  for (const expression of range) {
    const field = index.fields[equal.length];
    if (
      expression.fieldPath !== field ||
      (expression.type === "Eq" && (lower !== null || upper !== undefined))
    ) {
      throw new Error(rangeProblem(tableName, index, expression));
    }
    const bound = indexKey([...equal, expression.value]);
    if (expression.type === "Eq") equal.push(expression.value);
    else if (expression.type === "Gt" || expression.type === "Gte") {
      if (lower !== null) throw new Error(rangeProblem(tableName, index, expression));
      lower = expression.type === "Gte" ? bound : (keyAfterPrefix(bound) ?? bound);
    } else {
      if (upper !== undefined) throw new Error(rangeProblem(tableName, index, expression));
      upper = expression.type === "Lt" ? bound : keyAfterPrefix(bound);
    }
  }
  const prefix = indexKey(equal);
  return { lower: lower ?? prefix, upper: upper === undefined ? keyAfterPrefix(prefix) : upper };
}

function rangeProblem(tableName: string, index: CatalogIndex, { fieldPath, type }: RangeExpression): string {
  return (
    `Tried to query index ${tableName}.${index.name} but the query didn't use the index fields in order. ` +
    "Index fields must be queried in the same order that they are defined: equalities first, then at most one lower " +
    `and one upper bound on the field after them. The expression ${type.toLowerCase()}("${fieldPath}") does not fit. ` +
    `Fields of the index: [${index.fields
      .slice(0, -1)
      .map((field) => `"${field}"`)
      .join(", ")}].`
  );
}
