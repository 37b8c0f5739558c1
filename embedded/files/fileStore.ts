/**
 * The engine thread's part of file storage: takes received bytes in together with their row, removes bytes once the
 * commit that removed their row is durable, and sweeps what a crash left. A row is committed after its bytes are durable
 * under their name, so there is never a row without bytes; bytes without a row are garbage, and go at the next start.
 */
import { existsSync, opendirSync, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { Commit } from "../protocol/engine.ts";
import type { Database } from "../store/database.ts";
import { IndexReads } from "../transaction/readSet.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Transactions } from "../transaction/transactions.ts";
import { indexKey } from "../values/indexKey.ts";
import { insertFile, removeFile, STORAGE_TABLE, type StoredFile } from "./fileRows.ts";
import type { IncomingFile } from "./incomingFile.ts";
import {
  isFileKey,
  makeStorageFolders,
  newFileKey,
  storageFolders,
  syncFolder,
  type IncomingFolder,
  type StorageFolders,
} from "./storageFolders.ts";

export interface ReceivedFile extends IncomingFile {
  /** Where the bytes wait. */
  folder: IncomingFolder;
  componentPath: ComponentPath;
  contentType: string | null;
}

interface Doomed {
  key: string;
  /** The index key of its document: the commit that wrote it is the one that removed it. */
  document: IndexReads;
}

export class FileStore {
  readonly #folders: StorageFolders;
  readonly #database: Database;
  readonly #transactions: Transactions;
  readonly #onError: (error: unknown) => void;
  /** Removed in a transaction that may still be rolled back. */
  #doomed: Doomed[] = [];
  /** Removed for good, kept while somebody holds deletions. */
  #unwanted: string[] = [];
  #holders = 0;

  constructor(
    dataDir: string,
    database: Database,
    transactions: Transactions,
    onError: (error: unknown) => void,
  ) {
    this.#folders = storageFolders(dataDir);
    this.#database = database;
    this.#transactions = transactions;
    this.#onError = onError;
    makeStorageFolders(this.#folders);
    this.#sweep();
    transactions.onCommit((commit) => this.#removeDoomed(commit));
  }

  /** Makes received bytes a file. They are removed when that fails. @returns the id of its document. */
  async store({ folder, key, componentPath, ...file }: ReceivedFile): Promise<string> {
    if (!isFileKey(key)) throw new Error(`${key} is no name of a received file`);
    const stored = join(this.#folders.stored, key);
    await rename(join(this.#folders[folder], key), stored);
    try {
      await syncFolder(this.#folders.stored);
      const { result } = await this.#transactions.submit((transaction) =>
        insertFile(transaction, componentPath, { ...file, key, uuid: newFileKey() }),
      );
      return result;
    } catch (error) {
      await rm(stored, { force: true });
      throw error;
    }
  }

  /** Removes the file in the transaction, its bytes after the commit. */
  remove(transaction: Transaction, componentPath: ComponentPath, file: StoredFile): void {
    removeFile(transaction, componentPath, file);
    const document = new IndexReads();
    const table = transaction.catalog.table(componentPath, STORAGE_TABLE);
    if (table) document.addPoint(table.byId.id, indexKey([file.id]));
    this.#doomed.push({ key: file.key, document });
  }

  /**
   * No bytes are removed until the returned function is called: for a backup, which copies the database first and then the
   * bytes that its rows name. Bytes never change, so a hard link is a copy.
   */
  holdDeletions(): () => void {
    this.#holders++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders--;
      this.#removeUnwanted();
    };
  }

  #removeDoomed(commit: Commit): void {
    const waiting = this.#doomed;
    this.#doomed = [];
    for (const file of waiting) {
      if (this.#hasRow(file.key)) continue; // the removal was rolled back
      if (file.document.isTouchedBy(commit.writes)) this.#unwanted.push(file.key);
      else this.#doomed.push(file);
    }
    this.#removeUnwanted();
  }

  #removeUnwanted(): void {
    if (this.#holders > 0) return;
    for (const key of this.#unwanted.splice(0))
      rm(join(this.#folders.stored, key), { force: true }).catch(this.#onError);
  }

  #hasRow(key: string): boolean {
    return this.#database.get("SELECT 1 FROM stored_files WHERE key = ?", key) !== undefined;
  }

  /** Before anybody writes: what earlier processes and threads did not finish. */
  #sweep(): void {
    const folder = opendirSync(this.#folders.stored);
    let found = 0;
    try {
      for (let entry = folder.readSync(); entry; entry = folder.readSync()) {
        if (this.#hasRow(entry.name)) found++;
        else if (isFileKey(entry.name)) rmSync(join(this.#folders.stored, entry.name), { force: true });
      }
    } finally {
      folder.closeSync();
    }
    const rows = Number(this.#database.get("SELECT COUNT(*) AS count FROM stored_files")?.["count"]);
    if (found < rows) this.#onError(new Error(this.#missingSentence(rows - found)));
  }

  #missingSentence(count: number): string {
    const rows = this.#database.all("SELECT document, key FROM stored_files");
    const missing = rows.filter((row) => !existsSync(join(this.#folders.stored, String(row["key"]))));
    return (
      `${count} stored files have lost their bytes, the first is ${String(missing[0]?.["document"])}. ` +
      `Was ${this.#folders.stored} restored together with the database?`
    );
  }
}
