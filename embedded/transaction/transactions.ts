/**
 * Begins and ends transactions, one at a time, and tells listeners of commits. A transaction is one synchronous call:
 * nothing can come between its statements, so transactions are serializable by construction.
 *
 * Writes that arrive together are committed together: each runs in a savepoint of one open SQLite transaction, and one
 * durable COMMIT covers the batch. Until then nobody outside sees anything of it: calls are answered and listeners told
 * after the COMMIT, and whoever reads or writes beside the batch commits it first.
 *
 *   (none) --submit--> open --submit--> open --inbox empty, bound reached, read, write, close--> COMMIT --> (none)
 *                      open --fault of the database--> ROLLBACK, every call of the batch fails --> (none)
 */
import type { ComponentPath, ValidatorJson } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Commit } from "../protocol/engine.ts";
import type { Catalog } from "../store/catalog.ts";
import { isDatabaseFault } from "../store/database.ts";
import type { Database } from "../store/database.ts";
import { CommitAnnouncer } from "./commitAnnouncer.ts";
import type { CommitClock } from "./commitClock.ts";
import { CommitBatch } from "./commitBatch.ts";
import type { BatchPacing } from "./commitBatch.ts";
import { Transaction } from "./transaction.ts";
import type { UsageCounts } from "./transactionUsage.ts";

export interface TransactionsOptions {
  database: Database;
  catalog: Catalog;
  clock: CommitClock;
  randomBytes: (count: number) => Uint8Array;
  limits: UsageCounts;
  documentValidator: (component: ComponentPath, tableName: string) => ValidatorJson | null;
  pacing: BatchPacing;
  /** A commit listener threw: a fault of the program, which must not undo what is committed. */
  onListenerError: (error: unknown) => void;
}

export interface WritePhases<Result> {
  keep?(result: Result): boolean;
  /** Last writes of the transaction, told its timestamp. Only called when it is going to commit. */
  beforeCommit?(result: Result, ts: bigint): void;
  /** Before any listener hears of the commit. */
  afterCommit?: () => void;
}

export interface Written<Result> {
  result: Result;
  /** Of the commit; of the latest one before it when there was nothing to commit. */
  ts: bigint;
}

type Work<Result> = (transaction: Transaction) => Result;

export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #announcer: CommitAnnouncer;
  #batch: CommitBatch | null = null;
  #isRunning = false;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#announcer = new CommitAnnouncer(options.onListenerError);
  }

  /** Runs `work` at the latest snapshot. What it should write by mistake is undone. */
  read<Result>(work: Work<Result>): Result {
    this.flush();
    return this.#exclusively(() => {
      try {
        this.#begin();
        return work(this.#newTransaction(null));
      } finally {
        this.#rollback();
      }
    });
  }

  /**
   * Runs `work` on what is durable, also while a transaction is under way: nothing that is not committed is seen, and
   * nothing that is read becomes part of that transaction.
   */
  readDurable<Result>(work: Work<Result>): Result {
    const snapshot = this.#options.database.snapshot();
    try {
      return work(this.#newTransaction(null, snapshot));
    } finally {
      snapshot.rollback();
    }
  }

  /**
   * Runs `work` and commits what it wrote, durably, before it returns; when it throws or `keep` refuses its result,
   * nothing of it remains.
   */
  write<Result>(work: Work<Result>, phases: WritePhases<Result> = {}): Written<Result> {
    this.flush();
    let outcome: { written: Written<Result> } | { error: unknown } | null = null;
    this.#join(work, phases, {
      succeed: (written) => (outcome = { written }),
      fail: (error) => (outcome = { error }),
    });
    this.flush();
    const ended = outcome as { written: Written<Result> } | { error: unknown } | null;
    if (ended === null) throw new Error("A batch ended without its write");
    if ("error" in ended) throw ended.error;
    return ended.written;
  }

  /**
   * Runs `work` now, in the batch that is open; resolves when the batch is durable. Rejects with what `work` threw,
   * or with Unavailable when the batch could not be committed: nothing of it remains then.
   */
  submit<Result>(work: Work<Result>, phases: WritePhases<Result> = {}): Promise<Written<Result>> {
    const { promise, resolve, reject } = Promise.withResolvers<Written<Result>>();
    try {
      this.#join(work, phases, { succeed: resolve, fail: reject });
    } catch (error) {
      reject(error);
    }
    if (this.#batch?.isFull()) this.flush();
    return promise;
  }

  /** Whether what was submitted last waits for others: more may join it. */
  get isBatchOpen(): boolean {
    return this.#batch !== null;
  }

  /** Commits the open batch, if there is one. Never throws: its calls are told. */
  flush(): void {
    const batch = this.#batch;
    if (batch === null) return;
    if (this.#isRunning) throw new Error("A batch was to be committed inside one of its transactions");
    this.#batch = null;
    batch.close();
    const { database, clock } = this.#options;
    try {
      if (batch.hasCommits) {
        clock.persist();
        database.commit();
      }
    } catch (error) {
      this.#fail(batch, error);
      return;
    }
    if (batch.hasCommits) clock.committed();
    else this.#undo();
    batch.succeed((commit) => this.#announcer.announce(commit));
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#announcer.add(listener);
  }

  /** Runs `work` in a savepoint of the open batch, which is opened for it when there is none. */
  #join<Result>(
    work: Work<Result>,
    phases: WritePhases<Result>,
    call: { succeed: (written: Written<Result>) => void; fail: (error: unknown) => void },
  ): void {
    this.#exclusively(() => {
      const batch = this.#openBatch();
      try {
        const { result, commit, bytes } = this.#runInSavepoint(work, phases);
        const ts = commit?.ts ?? this.#options.clock.reservedTs();
        const succeed = (): void => call.succeed({ result, ts });
        batch.add({ commit, bytes, afterCommit: phases.afterCommit, succeed, fail: call.fail });
      } catch (error) {
        // What a call threw may rest on what the batch wrote before it, so it is told with the others.
        const succeed = (): void => call.fail(error);
        batch.add({ commit: null, bytes: 0, afterCommit: undefined, succeed, fail: call.fail });
        if (!isDatabaseFault(error) && this.#options.database.isInTransaction) return;
        this.#batch = null;
        batch.close();
        this.#fail(batch, error);
      }
    });
  }

  #runInSavepoint<Result>(
    work: Work<Result>,
    phases: WritePhases<Result>,
  ): { result: Result; commit: Commit | null; bytes: number } {
    const { database, catalog, clock } = this.#options;
    const transaction = this.#newTransaction(() => clock.reserve());
    let isKept = false;
    const run = (): { result: Result; commit: Commit | null } => {
      const result = work(transaction);
      if (!(phases.keep?.(result) ?? true) || !transaction.hasWritten) return { result, commit: null };
      const ts = transaction.commitTs();
      phases.beforeCommit?.(result, ts);
      return { result, commit: { ts, writes: transaction.writes } };
    };
    try {
      const outcome = database.savepoint(run, ({ commit }) => (isKept = commit !== null));
      return { ...outcome, bytes: transaction.usage.total.bytesWritten };
    } finally {
      if (!isKept && database.isInTransaction) catalog.afterRollback();
    }
  }

  #openBatch(): CommitBatch {
    if (this.#batch === null) {
      this.#begin();
      this.#batch = new CommitBatch(this.#options.pacing, () => this.flush());
    }
    return this.#batch;
  }

  #fail(batch: CommitBatch, cause: unknown): void {
    this.#undo();
    batch.fail(notStored(cause));
  }

  #undo(): void {
    this.#rollback();
    this.#options.clock.rolledBack();
  }

  #begin(): void {
    const { database, catalog } = this.#options;
    database.begin();
    catalog.afterBegin();
  }

  #newTransaction(reserveTs: (() => bigint) | null, snapshot?: Database): Transaction {
    const { database, catalog, clock, randomBytes, limits, documentValidator } = this.#options;
    return new Transaction({
      database: snapshot ?? database,
      catalog,
      snapshotTs: snapshot ? clock.latestTs() : clock.reservedTs(),
      reserveTs,
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
    if (this.#isRunning) throw new Error("A transaction began inside another one");
    this.#isRunning = true;
    try {
      return body();
    } finally {
      this.#isRunning = false;
    }
  }
}

function notStored(cause: unknown): DeploymentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DeploymentError(
    "Unavailable",
    `The database could not be written (${reason}), and nothing of this call was stored. ` +
      "See whether the disk of the data folder is full or failing, then call again.",
    { cause },
  );
}
