/** What a transaction has used, and Convex's limits on it (https://docs.convex.dev/production/state/limits). */

import { byteText } from "../values/byteText.ts";

export interface UsageCounts {
  bytesRead: number;
  bytesWritten: number;
  databaseQueries: number;
  documentsRead: number;
  documentsWritten: number;
  functionsScheduled: number;
  scheduledFunctionArgsBytes: number;
}

export type UsageMetric = keyof UsageCounts;

const MIB = 1024 * 1024;

export const TRANSACTION_LIMITS: Readonly<UsageCounts> = {
  bytesRead: 16 * MIB,
  bytesWritten: 16 * MIB,
  databaseQueries: 4096,
  documentsRead: 32_000,
  documentsWritten: 16_000,
  functionsScheduled: 1000,
  scheduledFunctionArgsBytes: 16 * MIB,
};

const USE_INDEXES =
  "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective " +
  "index range expressions.";

/** Convex's own sentences. */
const SENTENCES: Readonly<Record<UsageMetric, (limit: number) => string>> = {
  bytesRead: (limit) =>
    `Too many bytes read in a single function execution (limit: ${limit} bytes). ${USE_INDEXES}`,
  bytesWritten: (limit) =>
    `Too many bytes written in a single function execution (limit: ${byteText(limit)})`,
  databaseQueries: (limit) =>
    `Too many reads in a single function execution (limit: ${limit}). ${USE_INDEXES}`,
  documentsRead: (limit) =>
    `Too many documents read in a single function execution (limit: ${limit}). ${USE_INDEXES}`,
  documentsWritten: (limit) => `Too many writes in a single function execution (limit: ${limit})`,
  functionsScheduled: (limit) => `Too many functions scheduled by this mutation (limit: ${limit})`,
  scheduledFunctionArgsBytes: (limit) =>
    `Too large total size of the arguments of scheduled functions from this mutation (limit: ${limit} bytes)`,
};

export function noUsage(): UsageCounts {
  return {
    bytesRead: 0,
    bytesWritten: 0,
    databaseQueries: 0,
    documentsRead: 0,
    documentsWritten: 0,
    functionsScheduled: 0,
    scheduledFunctionArgsBytes: 0,
  };
}

/** Counts for the whole transaction and, apart, for the function of it that is running. */
export class TransactionUsage {
  readonly total = noUsage();
  #function = noUsage();
  #limits: Readonly<UsageCounts>;

  constructor(limits: Readonly<UsageCounts>) {
    this.#limits = limits;
  }

  /** @throws Error with the limit and the remedy when this passes a limit. */
  count(metric: UsageMetric, amount: number): void {
    this.total[metric] += amount;
    this.#function[metric] += amount;
    this.#check(metric);
  }

  /** Whether so much more would still be within the limit. */
  hasRoomFor(metric: UsageMetric, amount: number): boolean {
    return this.total[metric] + amount <= this.#limits[metric];
  }

  limit(metric: UsageMetric): number {
    return this.#limits[metric];
  }

  /** A function that caught the error of a limit must still not commit. */
  checkAll(): void {
    for (const metric of Object.keys(this.total) as UsageMetric[]) this.#check(metric);
  }

  /**
   * Attributes what `work` uses to `into`, and not to the function around it.
   * @param lowered - Limits of a nested call counted from its start; they can only lower those of the transaction.
   */
  attribute<Result>(into: UsageCounts, lowered: Partial<UsageCounts>, work: () => Result): Result {
    const outer = this.#function;
    const outerLimits = this.#limits;
    this.#function = into;
    this.#limits = this.#lowerLimits(lowered);
    try {
      return work();
    } finally {
      this.#function = outer;
      this.#limits = outerLimits;
    }
  }

  /** As `getTransactionMetrics` reports it. */
  metrics(): Record<string, { used: number; remaining: number }> {
    const metrics: Record<string, { used: number; remaining: number }> = {};
    for (const metric of Object.keys(this.total) as UsageMetric[]) {
      const used = this.total[metric];
      metrics[metric] = { used, remaining: Math.max(0, this.#limits[metric] - used) };
    }
    return metrics;
  }

  #lowerLimits(lowered: Partial<UsageCounts>): UsageCounts {
    const limits = { ...this.#limits };
    for (const metric of Object.keys(limits) as UsageMetric[]) {
      const allowance = lowered[metric];
      if (allowance !== undefined) limits[metric] = Math.min(limits[metric], this.total[metric] + allowance);
    }
    return limits;
  }

  #check(metric: UsageMetric): void {
    const limit = this.#limits[metric];
    if (this.total[metric] > limit) throw new Error(SENTENCES[metric](limit));
  }
}
