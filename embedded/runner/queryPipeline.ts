/** A running query: rows of an index through filters and limits, one document at a time. */
import { IndexScan } from "../transaction/indexScan.ts";
import type { ScannedDocument } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Value } from "../values/convexJson.ts";
import { decodeValue } from "../values/convexJson.ts";
import { isTrue } from "./filterExpression.ts";
import type { QueryOperator, QueryPlan } from "./queryPlan.ts";

export class QueryPipeline {
  readonly #scan: IndexScan | null;
  readonly #operators: readonly QueryOperator[];
  /** How many documents each limit has let through, by position in the operators. */
  readonly #passed: number[];
  readonly #mayReadOn: () => boolean;
  #wasStopped = false;
  #lastScanned: ScannedDocument | null = null;

  /**
   * @param page - For a page: the part of the plan's interval to read, how many rows are likely, and whether another
   *   row may be read.
   */
  constructor(
    transaction: Transaction,
    plan: QueryPlan,
    page?: { interval: KeyInterval; expectedRows: number; mayReadOn: () => boolean },
  ) {
    this.#mayReadOn = page?.mayReadOn ?? (() => true);
    this.#operators = plan.operators;
    this.#passed = plan.operators.map(() => 0);
    const { source, order } = plan;
    const wanted = page?.expectedRows ?? rowsWanted(plan.operators);
    this.#scan = source
      ? new IndexScan(transaction, { ...source, interval: page?.interval ?? source.interval, order }, wanted)
      : null;
  }

  /** Row read last, whether or not the operators let it through. */
  get lastScanned(): ScannedDocument | null {
    return this.#lastScanned;
  }

  /** Whether it ended because it might not read on. */
  get wasStopped(): boolean {
    return this.#wasStopped;
  }

  /** @returns null at the end. Reads no row beyond the last one a limit lets through. */
  next(): ScannedDocument | null {
    while (this.#scan && !this.#isFull()) {
      if (!this.#mayReadOn()) {
        this.#wasStopped = true;
        return null;
      }
      const document = this.#scan.next();
      if (!document) return null;
      this.#lastScanned = document;
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
        value ??= decodeValue(JSON.parse(document.json));
        if (!isTrue(operator.expression(value))) return false;
      }
    }
    return true;
  }
}

/** A limit before any filter says how many rows will be read. */
function rowsWanted(operators: readonly QueryOperator[]): number | undefined {
  const [first] = operators;
  return first?.kind === "limit" ? first.count : undefined;
}
