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
import { PageReader } from "./pageReader.ts";
import type { PageLimits } from "./pageReader.ts";
import type { QueryPlan } from "./queryPlan.ts";

export interface PageRequest extends PageLimits {
  /** JSON of the query, which cursors are bound to. */
  fingerprint: string;
  cursor: string | null;
  endCursor: string | null;
  pageSize: number;
}

export interface Page {
  page: ScannedDocument[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

type Position = { kind: "after"; key: IndexKey } | { kind: "end" };

/** Below this number of rows there is no use in splitting a page. */
const FEWEST_ROWS_TO_SPLIT = 3;
const PURPOSE = "cursor";

export class Paginator {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** @throws Error when a cursor belongs to another query; it carries the data that clients know as InvalidCursor. */
  readPage(transaction: Transaction, plan: QueryPlan, request: PageRequest): Page {
    checkRequest(request, transaction.usage.limit("documentsRead"));
    const queryHash = createHash("sha256").update(request.fingerprint).digest("base64url").slice(0, 16);
    const start = request.cursor === null ? null : this.#open(queryHash, request.cursor);
    const end = request.endCursor === null ? null : this.#open(queryHash, request.endCursor);
    if (start?.kind === "end" || !plan.source) return this.#emptyPage(queryHash, end);

    const interval = between(plan.source.interval, plan.order, start, end);
    const reader = new PageReader(transaction, plan, interval, request, end !== null);
    const page = reader.read();
    const stoppedAt = reader.stoppedAt();
    const position: Position = end ?? (stoppedAt ? { kind: "after", key: stoppedAt } : { kind: "end" });
    return {
      page,
      isDone: position.kind === "end",
      continueCursor: this.#seal(queryHash, position),
      splitCursor: this.#splitCursor(queryHash, plan, reader.keys),
      pageStatus: reader.status(),
    };
  }

  #emptyPage(queryHash: string, end: Position | null): Page {
    const position = end ?? { kind: "end" };
    return {
      page: [],
      isDone: position.kind === "end",
      continueCursor: this.#seal(queryHash, position),
      splitCursor: null,
      pageStatus: null,
    };
  }

  /** In the middle of the rows read. To read half the results of a search is no less work. */
  #splitCursor(queryHash: string, { source }: QueryPlan, keys: readonly IndexKey[]): string | null {
    const middle = keys[Math.floor(keys.length / 2)];
    if (!middle || keys.length < FEWEST_ROWS_TO_SPLIT || (source && "search" in source)) return null;
    return this.#seal(queryHash, { kind: "after", key: middle });
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

function checkRequest(
  { pageSize, maximumRowsRead, maximumBytesRead }: PageRequest,
  maxPageSize: number,
): void {
  if (!Number.isInteger(pageSize) || pageSize < 0) {
    throw new Error(
      `Invalid arguments for \`queryPage\`: the page size must be a whole number, not ${pageSize}`,
    );
  }
  if (pageSize === 0) throw new Error("Must request at least 1 document while paginating");
  if (pageSize > maxPageSize) throw new Error(`Requested too many items: ${pageSize}`);
  if (maximumRowsRead === 0 || maximumBytesRead === 0) {
    throw new Error("maximumRowsRead and maximumBytesRead must be greater than 0");
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

function invalidCursor(): Error {
  const message =
    "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.";
  return Object.assign(new Error(message), {
    data: { isConvexSystemError: true, paginationError: "InvalidCursor" },
  });
}
