/** What of indexes nobody waits for: fills staged ones, removes what is left of dropped ones. In parts, beside the rest. */
import type { Transactions } from "../transaction/transactions.ts";
import type { AnyIndex, Catalog, CatalogTable } from "./catalog.ts";
import type { Database } from "./database.ts";
import { fillPart } from "./indexFill.ts";
import { hasDroppedIndexes, sweepPart } from "./indexSweep.ts";

export interface IndexUpkeepOptions {
  database: Database;
  transactions: Transactions;
  catalog: Catalog;
  /** Resolves after whatever waits for the thread had its turn. */
  nextTurn: () => Promise<void>;
  onError: (error: unknown) => void;
}

export class IndexUpkeep {
  readonly #options: IndexUpkeepOptions;
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: IndexUpkeepOptions) {
    this.#options = options;
  }

  /** A push does not outlive the process: what it was filling goes. */
  start(): void {
    const { catalog, transactions } = this.#options;
    const pending = catalog
      .tables()
      .flatMap(({ maintained }) => maintained)
      .filter(({ state }) => state === "pending");
    if (pending.length > 0) {
      transactions.write((transaction) => {
        transaction.touch();
        for (const index of pending) catalog.dropIndex(index);
      });
    }
    this.wake();
  }

  /** Something may be there to do. */
  wake(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is left to do. */
  async settled(): Promise<void> {
    await this.#running;
  }

  close(): void {
    this.#isClosed = true;
  }

  async #run(): Promise<void> {
    const { nextTurn, onError } = this.#options;
    try {
      do await nextTurn();
      while (!this.#isClosed && this.#step());
    } catch (error) {
      onError(error);
    } finally {
      // In the turn of the last look: who wakes it after that is heard.
      this.#running = null;
    }
  }

  /** @returns whether there may be more. */
  #step(): boolean {
    const { database, catalog, transactions } = this.#options;
    const unfilled = this.#unfilled();
    if (!unfilled && !hasDroppedIndexes(database)) return false;
    transactions.write((transaction) => {
      transaction.touch();
      if (unfilled) fillPart(database, catalog, unfilled.table, unfilled.index);
      else sweepPart(database);
    });
    return true;
  }

  #unfilled(): { table: CatalogTable; index: AnyIndex } | null {
    for (const table of this.#options.catalog.tables()) {
      const index = table.maintained.find(({ state, filledTo }) => state === "staged" && filledTo !== null);
      if (index) return { table, index };
    }
    return null;
  }
}
