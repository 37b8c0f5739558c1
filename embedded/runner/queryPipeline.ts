/** A running query: rows of an index or results of a search through filters and limits, one document at a time. */
import { SearchScan } from "../search/searchScan.ts";
import { IndexScan } from "../transaction/indexScan.ts";
import type { ScannedDocument } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Value } from "../values/convexJson.ts";
import { decodeStored } from "../values/convexJson.ts";
import { isTrue } from "./filterExpression.ts";
import type { QueryOperator, QueryPlan } from "./queryPlan.ts";

/** For a page: the part of the source to read, how many rows are likely, and whether another row may be read. */
export interface PageBounds {
  interval: KeyInterval;
  expectedRows: number;
  /** @param nextBytes - Size of the row. */
  mayReadOn: (nextBytes: number) => boolean;
  /** Called with each row, before filters. */
  onRead: (row: ScannedDocument) => void;
}

export class QueryPipeline {
  readonly #scan: IndexScan | SearchScan | null;
  readonly #operators: readonly QueryOperator[];
  /** How many documents each limit has let through, by position in the operators. */
  readonly #passed: number[];
  readonly #page: PageBounds | undefined;
  #wasStopped = false;

  constructor(transaction: Transaction, plan: QueryPlan, page?: PageBounds) {
    this.#page = page;
    this.#operators = plan.operators;
    this.#passed = plan.operators.map(() => 0);
    const wanted = page?.expectedRows ?? rowsWanted(plan.operators);
    this.#scan = scanOf(transaction, plan, page?.interval, wanted);
  }

  /** Whether it ended because it might not read on. */
  get wasStopped(): boolean {
    return this.#wasStopped;
  }

  /** @returns null at the end. Reads no row beyond the last one a limit lets through. */
  next(): ScannedDocument | null {
    while (this.#scan && !this.#isFull()) {
      if (this.#page?.mayReadOn(this.#scan.nextBytes()) === false) {
        this.#wasStopped = true;
        return null;
      }
      const document = this.#scan.next();
      if (!document) return null;
      this.#page?.onRead(document);
      if (this.#letsThrough(document)) return document;
    }
    return null;
  }

  #isFull(): boolean {
    return this.#operators.some(
      (operator, position) => operator.kind === "limit" && (this.#passed[position] ?? 0) >= operator.count,
    );
  }

  #letsThrough(document: ScannedDocument): boolean {
    let value: Value | undefined;
    for (const [position, operator] of this.#operators.entries()) {
      if (operator.kind === "limit") this.#passed[position] = (this.#passed[position] ?? 0) + 1;
      else {
        value ??= decodeStored(document.json);
        if (!isTrue(operator.expression(value))) return false;
      }
    }
    return true;
  }
}

function scanOf(
  transaction: Transaction,
  { source, order }: QueryPlan,
  part: KeyInterval | undefined,
  wanted: number | undefined,
): IndexScan | SearchScan | null {
  if (source === null) return null;
  const interval = part ?? source.interval;
  if ("search" in source) return new SearchScan(transaction, { ...source, interval });
  return new IndexScan(transaction, { ...source, interval, order }, wanted);
}

/** A limit before any filter says how many rows will be read. */
function rowsWanted(operators: readonly QueryOperator[]): number | undefined {
  const [first] = operators;
  return first?.kind === "limit" ? first.count : undefined;
}
