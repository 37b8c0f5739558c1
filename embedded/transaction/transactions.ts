/**
 * Begins and ends transactions, one at a time, and tells listeners of commits. A transaction is one synchronous call:
 * nothing can come between its statements, so transactions are serializable by construction.
 */
import type { ComponentPath, ValidatorJson } from "../protocol/deployedCode.ts";
import type { Commit } from "../protocol/engine.ts";
import type { Catalog } from "../store/catalog.ts";
import type { Database } from "../store/database.ts";
import type { CommitClock } from "./commitClock.ts";
import { Transaction } from "./transaction.ts";
import type { UsageCounts } from "./transactionUsage.ts";

export interface TransactionsOptions {
  database: Database;
  catalog: Catalog;
  clock: CommitClock;
  randomBytes: (count: number) => Uint8Array;
  limits: UsageCounts;
  documentValidator: (component: ComponentPath, tableName: string) => ValidatorJson | null;
  /** A commit listener threw: a fault of the program, which must not undo what is committed. */
  onListenerError: (error: unknown) => void;
}

export interface WritePhases<Result> {
  keep?(result: Result): boolean;
  /** Last writes of the transaction, told its timestamp. Only called when it is going to commit. */
  beforeCommit?(result: Result, ts: bigint): void;
  /** Before any listener hears of the commit. */
  afterCommit?(): void;
}

export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #listeners = new Set<(commit: Commit) => void>();
  readonly #unannounced: Commit[] = [];
  #isOpen = false;
  #isAnnouncing = false;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** Runs `work` at the latest snapshot. What it should write by mistake is undone. */
  read<Result>(work: (transaction: Transaction) => Result): Result {
    return this.#exclusively(() => {
      try {
        return work(this.#newTransaction());
      } finally {
        this.#rollback();
      }
    });
  }

  /**
   * Runs `work` and commits what it wrote, durably; when it throws or `keep` refuses its result, nothing of it remains.
   * @returns ts of the commit; of the latest one when there was nothing to commit.
   */
  write<Result>(
    work: (transaction: Transaction) => Result,
    phases: WritePhases<Result> = {},
  ): { result: Result; ts: bigint } {
    const { clock, database } = this.#options;
    const { result, commit } = this.#exclusively(() => {
      let committed = false;
      try {
        const transaction = this.#newTransaction();
        const result = work(transaction);
        const isKept = phases.keep?.(result) ?? true;
        if (!isKept || !transaction.hasWritten) return { result, commit: null };
        const ts = clock.stampCommit();
        phases.beforeCommit?.(result, ts);
        database.commit();
        committed = true;
        clock.committed(ts);
        return { result, commit: { ts, writes: transaction.writes } };
      } finally {
        if (!committed) this.#rollback();
      }
    });
    if (!commit) return { result, ts: clock.latestTs() };
    phases.afterCommit?.();
    this.#announce(commit);
    return { result, ts: commit.ts };
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #newTransaction(): Transaction {
    const { database, catalog, clock, randomBytes, limits, documentValidator } = this.#options;
    database.begin();
    catalog.afterBegin();
    return new Transaction({
      database,
      catalog,
      randomBytes,
      limits,
      documentValidator,
      nextCreationTime: () => clock.nextCreationTime(),
    });
  }

  #rollback(): void {
    this.#options.database.rollback();
    this.#options.catalog.afterRollback();
  }

  #exclusively<Result>(body: () => Result): Result {
    if (this.#isOpen) throw new Error("A transaction began inside another one");
    this.#isOpen = true;
    try {
      return body();
    } finally {
      this.#isOpen = false;
    }
  }

  /** A listener may commit in turn: every listener hears of the first commit before any hears of the second. */
  #announce(commit: Commit): void {
    this.#unannounced.push(commit);
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    for (let next = this.#unannounced.shift(); next; next = this.#unannounced.shift()) {
      for (const listener of this.#listeners) {
        try {
          listener(next);
        } catch (error) {
          this.#options.onListenerError(error);
        }
      }
    }
    this.#isAnnouncing = false;
  }
}
