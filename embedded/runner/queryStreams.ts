/** The running queries of one function, by the number under which it knows them. */
import type { Transaction } from "../transaction/transaction.ts";
import { QueryPipeline } from "./queryPipeline.ts";
import type { QueryPlan } from "./queryPlan.ts";

export class QueryStreams {
  readonly #transaction: Transaction;
  readonly #pipelines = new Map<number, QueryPipeline>();
  #nextId = 0;

  constructor(transaction: Transaction) {
    this.#transaction = transaction;
  }

  open(plan: QueryPlan): number {
    const id = this.#nextId++;
    this.#pipelines.set(id, new QueryPipeline(this.#transaction, plan));
    return id;
  }

  /** @returns the next document as Convex JSON, encoded; null at the end. */
  next(id: number): string | null {
    const pipeline = this.#pipelines.get(id);
    if (!pipeline) throw new Error(`No running query with the number ${id}`);
    return pipeline.next()?.json ?? null;
  }

  close(id: number): void {
    this.#pipelines.delete(id);
  }
}
