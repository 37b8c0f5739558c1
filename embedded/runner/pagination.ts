/**
 * Pages of a query. A cursor is the key of the last row before it, signed and bound to its query; "after everything"
 * is a cursor of its own. The end of the first run of a page goes into the query's journal, so that a re-run reads
 * the same interval and pages neither overlap nor leave a gap.
 */
import { createHash } from "node:crypto";

import type { Secrets } from "../store/secrets.ts";
import type { ScannedDocument } from "../transaction/indexScan.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { keyAfter } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import { QueryPipeline } from "./queryPipeline.ts";
import type { QueryPlan } from "./queryPlan.ts";

export interface PageRequest {
  /** JSON of the query, which cursors are bound to. */
  fingerprint: string;
  cursor: string | null;
  endCursor: string | null;
  pageSize: number;
  maximumRowsRead: number | null;
  maximumBytesRead: number | null;
}

export interface Page {
  page: ScannedDocument[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

type Position = { kind: "after"; key: IndexKey } | { kind: "end" };

/** A page longer than this should be read as two. */
const LONG_PAGE = 6144;
const MAX_PAGE_SIZE = 32_000;
const PURPOSE = "cursor";

export class Paginator {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** @throws Error when a cursor belongs to another query; it carries the data that clients know as InvalidCursor. */
  readPage(transaction: Transaction, plan: QueryPlan, request: PageRequest): Page {
    if (request.pageSize <= 0) throw new Error("Must request at least 1 document while paginating");
    if (request.pageSize > MAX_PAGE_SIZE) throw new Error(`Requested too many items: ${request.pageSize}`);
    const queryHash = createHash("sha256").update(request.fingerprint).digest("base64url").slice(0, 16);
    const start = request.cursor === null ? null : this.#open(queryHash, request.cursor);
    const end = request.endCursor === null ? null : this.#open(queryHash, request.endCursor);
    if (start?.kind === "end" || !plan.source) return this.#emptyPage(queryHash);

    const interval = between(plan.source.interval, plan.order, start, end);
    const pipeline = new QueryPipeline(transaction, plan, {
      interval,
      expectedRows: request.pageSize,
      mayReadOn: withinLimits(transaction, request),
    });
    const page: ScannedDocument[] = [];
    let isExhausted = false;
    // A page with a given end is read up to it, however long it has become.
    const wantedRows = end === null ? request.pageSize : Infinity;
    while (!isExhausted && page.length < wantedRows) {
      const document = pipeline.next();
      if (document) page.push(document);
      else isExhausted = true;
    }
    const last = pipeline.lastScanned;
    const stopsAtRow = last !== null && (!isExhausted || pipeline.wasStopped);
    const position: Position = stopsAtRow ? { kind: "after", key: last.key } : (end ?? { kind: "end" });
    const isLong = page.length > LONG_PAGE;
    const middle = page.length >= 2 ? page[Math.floor((page.length - 1) / 2)] : undefined;
    return {
      page,
      isDone: position.kind === "end",
      continueCursor: this.#seal(queryHash, position),
      splitCursor: middle ? this.#seal(queryHash, { kind: "after", key: middle.key }) : null,
      pageStatus: pipeline.wasStopped ? "SplitRequired" : isLong ? "SplitRecommended" : null,
    };
  }

  #emptyPage(queryHash: string): Page {
    const continueCursor = this.#seal(queryHash, { kind: "end" });
    return { page: [], isDone: true, continueCursor, splitCursor: null, pageStatus: null };
  }

  #seal(queryHash: string, position: Position): string {
    const place = position.kind === "end" ? "" : position.key.toString("base64url");
    return this.#secrets.sign(PURPOSE, `${queryHash}:${place}`);
  }

  #open(queryHash: string, cursor: string): Position {
    const [hash, place] = this.#secrets.verify(PURPOSE, cursor)?.split(":") ?? [];
    if (hash !== queryHash || place === undefined) throw invalidCursor();
    return place === "" ? { kind: "end" } : { kind: "after", key: Buffer.from(place, "base64url") };
  }
}

function between(
  whole: KeyInterval,
  order: QueryPlan["order"],
  start: Position | null,
  end: Position | null,
): KeyInterval {
  const { lower, upper } = whole;
  const after = start?.kind === "after" ? start.key : null;
  const until = end?.kind === "after" ? end.key : null;
  if (order === "asc")
    return { lower: after ? keyAfter(after) : lower, upper: until ? keyAfter(until) : upper };
  return { lower: until ?? lower, upper: after ?? upper };
}

/** Allows reading until one of the request's own limits is reached, and one row in any case. */
function withinLimits(
  transaction: Transaction,
  { maximumRowsRead, maximumBytesRead }: PageRequest,
): () => boolean {
  const { documentsRead, bytesRead } = transaction.usage.total;
  return () => {
    const rows = transaction.usage.total.documentsRead - documentsRead;
    const bytes = transaction.usage.total.bytesRead - bytesRead;
    return rows === 0 || (rows < (maximumRowsRead ?? Infinity) && bytes < (maximumBytesRead ?? Infinity));
  };
}

function invalidCursor(): Error {
  const message =
    "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.";
  return Object.assign(new Error(message), {
    data: { isConvexSystemError: true, paginationError: "InvalidCursor" },
  });
}
