/**
 * Checks the stored documents of one table against a new validator, a part at a time. Documents that are written
 * meanwhile are remembered and looked at again at the end.
 */
import type { SchemaProblem } from "../protocol/engine.ts";
import type { ComponentPath, ValidatorJson } from "../protocol/deployedCode.ts";
import { withoutSystemFields } from "../transaction/transaction.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { ObjectValue } from "../values/convexJson.ts";
import { validationProblem } from "../values/validation.ts";
import type { Catalog, WriteWatcher } from "./catalog.ts";
import { nextPart, storedDocument } from "./storedDocuments.ts";

/** More of them, and the check starts over rather than remember each. */
const MAX_WRITTEN = 50_000;
const START = new Uint8Array();

export class SchemaCheck {
  readonly componentPath: ComponentPath;
  readonly #tableName: string;
  readonly #validator: ValidatorJson;
  readonly #catalog: Catalog;
  readonly #watcher: WriteWatcher;
  /** Keys of documents written since the check began, in hexadecimal. */
  readonly #written = new Set<string>();
  #checkedTo = START;
  #isThrough = false;

  constructor(
    catalog: Catalog,
    componentPath: ComponentPath,
    table: { tableName: string; documentType: ValidatorJson },
  ) {
    this.componentPath = componentPath;
    this.#tableName = table.tableName;
    this.#validator = table.documentType;
    this.#catalog = catalog;
    this.#watcher = (tableNumber, idKey) => {
      if (tableNumber === catalog.table(componentPath, this.#tableName)?.number) this.#noteWritten(idKey);
    };
    catalog.watchers.add(this.#watcher);
  }

  /** Whether all documents were looked at, except those written since. */
  get isThrough(): boolean {
    return this.#isThrough;
  }

  /** Looks at one part. @returns the first document that does not fit. */
  checkPart(transaction: Transaction): SchemaProblem | null {
    const table = this.#catalog.table(this.componentPath, this.#tableName);
    if (!table) {
      this.#isThrough = true;
      return null;
    }
    const { rows, isLast } = nextPart(transaction.database, table, this.#checkedTo);
    this.#checkedTo = new Uint8Array(rows.at(-1)?.idKey ?? this.#checkedTo);
    this.#isThrough = isLast;
    for (const { document } of rows) {
      const problem = this.#problemOf(transaction, document);
      if (problem) return problem;
    }
    return null;
  }

  /** Looks at what was written since the last call. */
  checkWritten(transaction: Transaction): SchemaProblem | null {
    const table = this.#catalog.table(this.componentPath, this.#tableName);
    if (!table) return null;
    for (const key of this.#written) {
      const document = storedDocument(transaction.database, table.number, Buffer.from(key, "hex"));
      const problem = document && this.#problemOf(transaction, document);
      if (problem) return problem;
      this.#written.delete(key);
    }
    return null;
  }

  close(): void {
    this.#catalog.watchers.delete(this.#watcher);
  }

  #noteWritten(idKey: Uint8Array): void {
    this.#written.add(Buffer.from(idKey).toString("hex"));
    if (this.#written.size <= MAX_WRITTEN) return;
    this.#written.clear();
    this.#checkedTo = START;
    this.#isThrough = false;
  }

  #problemOf(transaction: Transaction, document: ObjectValue): SchemaProblem | null {
    const tableNames = transaction.tableNames(this.componentPath);
    const problem = validationProblem(this.#validator, withoutSystemFields(document), tableNames);
    if (problem === null) return null;
    const id = document["_id"] as string;
    return {
      componentPath: this.componentPath,
      tableName: this.#tableName,
      message: `Document with ID "${id}" in table "${this.#tableName}" does not match the schema: ${problem}`,
    };
  }
}
