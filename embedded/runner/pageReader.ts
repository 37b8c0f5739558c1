/** Reads the rows of one page, and says how the page ended: at its size, at the end of the rows, or at a limit. */
import type { ScannedDocument } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { IndexKey } from "../values/indexKey.ts";
import { QueryPipeline } from "./queryPipeline.ts";
import type { QueryPlan } from "./queryPlan.ts";

export interface PageLimits {
  maximumRowsRead: number | null;
  maximumBytesRead: number | null;
}

/** A page longer than this should be read as two (Convex: SOFT_MAX_PAGE_LEN). */
const LONG_PAGE = 6144;
/** So should one for which more than this part of what may be read was read. */
const SOFT_LIMIT = 3 / 4;

export class PageReader {
  /** Of all rows read, also those that a filter held back. */
  readonly keys: IndexKey[] = [];
  readonly #transaction: Transaction;
  readonly #pipeline: QueryPipeline;
  readonly #limits: PageLimits;
  readonly #wantedRows: number;
  readonly #rowsBefore: number;
  readonly #bytesBefore: number;
  #length = 0;
  #isExhausted = false;

  /** @param hasEnd - The interval ends where the page is to end: it is read to its end, however long it has become. */
  constructor(
    transaction: Transaction,
    plan: QueryPlan,
    interval: KeyInterval,
    { pageSize, ...limits }: PageLimits & { pageSize: number },
    hasEnd: boolean,
  ) {
    this.#transaction = transaction;
    const isSearch = plan.source !== null && "search" in plan.source;
    this.#limits = hasEnd || isSearch ? { maximumRowsRead: null, maximumBytesRead: null } : limits;
    this.#wantedRows = hasEnd ? Infinity : pageSize;
    this.#rowsBefore = transaction.usage.total.documentsRead;
    this.#bytesBefore = transaction.usage.total.bytesRead;
    this.#pipeline = new QueryPipeline(transaction, plan, {
      interval,
      expectedRows: pageSize,
      mayReadOn: (nextBytes) => this.#mayReadOn(nextBytes),
      onRead: ({ key }) => this.keys.push(key),
    });
  }

  read(): ScannedDocument[] {
    const page: ScannedDocument[] = [];
    while (!this.#isExhausted && page.length < this.#wantedRows) {
      const document = this.#pipeline.next();
      if (document) page.push(document);
      else this.#isExhausted = true;
    }
    this.#length = page.length;
    return page;
  }

  /** Key of the last row read, when there may be more; null after the last one. */
  stoppedAt(): IndexKey | null {
    const last = this.keys.at(-1);
    return last && (!this.#isExhausted || this.#pipeline.wasStopped) ? last : null;
  }

  status(): "SplitRecommended" | "SplitRequired" | null {
    if (this.#pipeline.wasStopped) return "SplitRequired";
    const { usage } = this.#transaction;
    const { maximumRowsRead, maximumBytesRead } = this.#limits;
    const maxRows = Math.min(maximumRowsRead ?? Infinity, usage.limit("documentsRead"));
    const maxBytes = Math.min(maximumBytesRead ?? Infinity, usage.limit("bytesRead"));
    const isLong =
      this.#rowsRead() > Math.floor(maxRows * SOFT_LIMIT) ||
      this.#bytesRead() > Math.floor(maxBytes * SOFT_LIMIT) ||
      this.#length > LONG_PAGE;
    return isLong ? "SplitRecommended" : null;
  }

  /** One row in any case, so that the next page begins elsewhere; then until a limit of the page or the function. */
  #mayReadOn(nextBytes: number): boolean {
    if (this.keys.length === 0) return true;
    const { usage } = this.#transaction;
    if (!usage.hasRoomFor("documentsRead", 1) || !usage.hasRoomFor("bytesRead", nextBytes)) return false;
    const { maximumRowsRead, maximumBytesRead } = this.#limits;
    return (
      this.#rowsRead() < (maximumRowsRead ?? Infinity) && this.#bytesRead() < (maximumBytesRead ?? Infinity)
    );
  }

  #rowsRead(): number {
    return this.#transaction.usage.total.documentsRead - this.#rowsBefore;
  }

  #bytesRead(): number {
    return this.#transaction.usage.total.bytesRead - this.#bytesBefore;
  }
}
