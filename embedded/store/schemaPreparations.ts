/**
 * The preparations of all pushes that are under way. Several may be: each fills the indexes it adds, and they share
 * those that are the same. One install ends them all, for what they were made against is gone.
 */
import type { DeployedCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { PreparationStatus, SchemaProblem } from "../protocol/engine.ts";
import type { Transactions } from "../transaction/transactions.ts";
import type { Catalog } from "./catalog.ts";
import { SchemaPreparation } from "./schemaPreparation.ts";

export interface SchemaPreparationsOptions {
  transactions: Transactions;
  catalog: Catalog;
  running: () => DeployedCode | null;
  setTimer: (callback: () => void, afterMs: number) => () => void;
  /** Resolves after whatever waits for the thread had its turn. */
  nextTurn: () => Promise<void>;
}

interface UnderWay {
  preparation: SchemaPreparation;
  /** Settles when the preparation is ready or has found a problem. */
  outcome: Promise<SchemaProblem | null>;
}

export class SchemaPreparations {
  readonly #options: SchemaPreparationsOptions;
  readonly #underWay = new Map<DeployedCode, UnderWay>();

  constructor(options: SchemaPreparationsOptions) {
    this.#options = options;
  }

  /** Begins or goes on; answers when there is an outcome, or after `waitMs` how far it is. */
  async status(code: DeployedCode, waitMs: number): Promise<PreparationStatus> {
    const { preparation, outcome } = this.#of(code);
    const isOver = Promise.withResolvers<"waited">();
    const cancel = this.#options.setTimer(() => isOver.resolve("waited"), waitMs);
    const result = await Promise.race([outcome, isOver.promise]).finally(cancel);
    if (result === "waited") return { type: "inProgress", components: preparation.progress() };
    return result === null ? { type: "complete" } : { type: "failed", ...failure(result) };
  }

  /**
   * Waits until the database is ready for the code. The caller installs it in the same turn, and calls `findProblem` in
   * the transaction that does.
   * @throws DeploymentError when a document does not fit.
   */
  async ready(code: DeployedCode): Promise<SchemaPreparation> {
    for (;;) {
      const { preparation, outcome } = this.#of(code);
      const problem = await outcome;
      if (problem) throw new DeploymentError("InvalidModules", problem.message);
      if (preparation.isReady) return preparation;
      this.forget(code); // it was overtaken by very many writes, or another push took its indexes away
    }
  }

  /** Ends the preparation; what it alone was filling goes. */
  forget(code: DeployedCode): void {
    this.#underWay.get(code)?.preparation.close();
    if (this.#underWay.delete(code)) this.#dropUnneeded();
  }

  /** The code was installed: nothing else can be any more. */
  forgetAll(): void {
    for (const { preparation } of this.#underWay.values()) preparation.close();
    this.#underWay.clear();
  }

  #of(code: DeployedCode): UnderWay {
    const known = this.#underWay.get(code);
    if (known) return known;
    const preparation = new SchemaPreparation(this.#options, code, this.#options.running());
    const begun = { preparation, outcome: this.#run(code, preparation) };
    this.#underWay.set(code, begun);
    // Whoever asks gets the error; nobody may be asking just now.
    begun.outcome.catch(() => this.forget(code));
    return begun;
  }

  async #run(code: DeployedCode, preparation: SchemaPreparation): Promise<SchemaProblem | null> {
    for (;;) {
      await this.#options.nextTurn();
      if (this.#underWay.get(code)?.preparation !== preparation) return null;
      const result = preparation.step();
      if (result === "done") return null;
      if (result === "more") continue;
      this.forget(code);
      return result;
    }
  }

  #dropUnneeded(): void {
    const { catalog, transactions } = this.#options;
    const unneeded = catalog
      .tables()
      .flatMap(({ maintained }) => maintained)
      .filter(({ state }) => state === "pending")
      .filter((index) => ![...this.#underWay.values()].some(({ preparation }) => preparation.needs(index)));
    if (unneeded.length === 0) return;
    transactions.write((transaction) => {
      transaction.touch();
      for (const index of unneeded) catalog.dropIndex(index);
    });
  }
}

function failure({ message, componentPath, tableName }: SchemaProblem): {
  error: string;
  componentPath: string;
  tableName: string | null;
} {
  return { error: message, componentPath, tableName };
}
