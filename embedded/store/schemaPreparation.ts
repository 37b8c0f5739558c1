/**
 * Gets the database ready for pushed code before it is installed: fills the indexes it adds and checks the stored
 * documents against its schema, in parts between which others read and write. Nothing that functions can see changes.
 */
import { liveIndexes } from "../protocol/deployedCode.ts";
import type {
  AnyIndexDefinition,
  ComponentCode,
  DeployedCode,
  TableDefinition,
} from "../protocol/deployedCode.ts";
import type { SchemaProblem, SchemaProgress } from "../protocol/engine.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Transactions } from "../transaction/transactions.ts";
import type { AnyIndex, Catalog, CatalogTable } from "./catalog.ts";
import { isIndexOf } from "./catalog.ts";
import { fillPart } from "./indexFill.ts";
import { SchemaCheck } from "./schemaCheck.ts";

interface AddedIndex {
  componentPath: string;
  table: CatalogTable;
  definition: AnyIndexDefinition;
}

export class SchemaPreparation {
  readonly #transactions: Transactions;
  readonly #catalog: Catalog;
  readonly #code: DeployedCode;
  readonly #checks: SchemaCheck[];
  #added: AddedIndex[] | null = null;

  /** @param running - What its validators admit has been checked already. */
  constructor(
    { transactions, catalog }: { transactions: Transactions; catalog: Catalog },
    code: DeployedCode,
    running: DeployedCode | null,
  ) {
    this.#transactions = transactions;
    this.#catalog = catalog;
    this.#code = code;
    this.#checks = checksOf(catalog, code, running);
  }

  /** Does one part, in a transaction of its own. @returns whether nothing is left, or what does not fit. */
  step(): "more" | "done" | SchemaProblem {
    const check = this.#checks.find(({ isThrough }) => !isThrough);
    if (check) {
      const problem = this.#transactions.read((transaction) => check.checkPart(transaction));
      if (problem) return problem;
    }
    this.#added ??= this.#createIndexes();
    const added = this.#added.find((index) => this.#isUnfilled(index));
    if (added) this.#fill(added);
    if (check || added) return "more";
    return this.#transactions.read((transaction) => this.findProblem(transaction)) ?? "done";
  }

  /** Looks at what was written since the last look. Call it when `step` said "done". */
  findProblem(transaction: Transaction): SchemaProblem | null {
    for (const check of this.#checks) {
      const problem = check.checkWritten(transaction);
      if (problem) return problem;
    }
    return null;
  }

  get isReady(): boolean {
    return (
      this.#added !== null &&
      !this.#added.some((index) => this.#isUnfilled(index)) &&
      this.#checks.every(({ isThrough }) => isThrough)
    );
  }

  progress(): SchemaProgress {
    const components: SchemaProgress = {};
    for (const path of Object.keys(this.#code.components)) {
      const indexes = (this.#added ?? []).filter(({ componentPath }) => componentPath === path);
      components[path] = {
        schemaValidationComplete: this.#checks.every(
          ({ componentPath, isThrough }) => componentPath !== path || isThrough,
        ),
        indexesComplete: indexes.filter((index) => !this.#isUnfilled(index)).length,
        indexesTotal: indexes.length,
      };
    }
    return components;
  }

  /** Whether an index that no installed code has is one of this code's. */
  needs(index: AnyIndex): boolean {
    return (this.#added ?? []).some(
      ({ definition, table }) => this.#find(table, definition)?.id === index.id,
    );
  }

  close(): void {
    for (const check of this.#checks) check.close();
  }

  /** What another push is filling, or what is staged, is used. */
  #createIndexes(): AddedIndex[] {
    const added = Object.values(this.#code.components).flatMap((component) => this.#addedBy(component));
    const missing = added.filter(({ table, definition }) => !this.#find(table, definition));
    if (missing.length === 0) return added;
    this.#transactions.write((transaction) => {
      transaction.touch();
      for (const { table, definition } of missing) this.#catalog.createIndex(table, definition, "pending");
    });
    return added;
  }

  /** A table that does not exist yet gets its indexes when the code is installed. */
  #addedBy({ path: componentPath, schema }: ComponentCode): AddedIndex[] {
    return (schema?.tables ?? []).flatMap((definition) => {
      const table = this.#catalog.table(componentPath, definition.tableName);
      if (!table) return [];
      return liveIndexes(definition)
        .filter((index) => this.#find(table, index)?.state !== "live")
        .map((index) => ({ componentPath, table, definition: index }));
    });
  }

  #isUnfilled({ table, definition }: AddedIndex): boolean {
    return (this.#find(table, definition)?.filledTo ?? null) !== null;
  }

  #fill({ table, definition }: AddedIndex): void {
    this.#transactions.write((transaction) => {
      transaction.touch();
      const index = this.#find(table, definition);
      if (index) fillPart(transaction.database, this.#catalog, table, index);
    });
  }

  #find({ number }: CatalogTable, definition: AnyIndexDefinition): AnyIndex | undefined {
    const indexes = this.#catalog.tableByNumber(number)?.maintained ?? [];
    const matching = indexes.filter((index) => isIndexOf(index, definition));
    return matching.find(({ state }) => state === "live") ?? matching[0];
  }
}

function checksOf(catalog: Catalog, code: DeployedCode, running: DeployedCode | null): SchemaCheck[] {
  return Object.values(code.components).flatMap(({ path, schema }) => {
    if (!schema?.schemaValidation) return [];
    return schema.tables.flatMap((definition) => {
      const { tableName, documentType } = definition;
      if (!documentType || documentType.type === "any") return [];
      if (isChecked(running?.components[path], definition)) return [];
      return [new SchemaCheck(catalog, path, { tableName, documentType })];
    });
  });
}

function isChecked(
  running: ComponentCode | undefined,
  { tableName, documentType }: TableDefinition,
): boolean {
  if (!running?.schema?.schemaValidation) return false;
  const current = running.schema.tables.find((table) => table.tableName === tableName);
  return current !== undefined && JSON.stringify(current.documentType) === JSON.stringify(documentType);
}
