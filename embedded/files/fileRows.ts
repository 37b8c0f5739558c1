/**
 * What the database knows of stored files: a document in `_storage` of the component that owns it, which functions read,
 * and a row of `stored_files` that says under which name its bytes are kept and under which its URL names it.
 */
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { Row } from "../store/database.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { tableNumberOfId } from "../values/documentId.ts";
import { indexKey } from "../values/indexKey.ts";

export const STORAGE_TABLE = "_storage";

export interface StoredFile {
  /** Of its document, an `Id<"_storage">`. */
  id: string;
  /** Names it in its URL. Convex's storage ids before 1.6. */
  uuid: string;
  /** Name of the file that holds the bytes. */
  key: string;
  /** Base64. */
  sha256: string;
  size: number;
  contentType: string | null;
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isStorageUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** @returns the id of its document. */
export function insertFile(
  transaction: Transaction,
  component: ComponentPath,
  { uuid, key, sha256, size, contentType }: Omit<StoredFile, "id">,
): string {
  const id = transaction.insert(component, STORAGE_TABLE, { contentType, sha256, size });
  const sql = "INSERT INTO stored_files (document, component, uuid, key) VALUES (?, ?, ?, ?)";
  transaction.database.run(sql, id, component, uuid, key);
  return id;
}

/**
 * The file, noting that the result depends on it; null when there is none.
 * @param storageId - Id of its document, or its uuid.
 * @param method - Names the operation in the error.
 * @throws Error in Convex's words when it is neither.
 */
export function findFile(
  transaction: Transaction,
  component: ComponentPath,
  storageId: string,
  method: string,
): StoredFile | null {
  if (tableNumberOfId(storageId) !== null) {
    requireStorageId(transaction, component, storageId);
    return fileOfDocument(transaction, component, storageId);
  }
  if (!isStorageUuid(storageId)) throw new Error(invalidStorageId(storageId, method));
  return findFileByUuid(transaction, component, storageId);
}

export function findFileByUuid(
  transaction: Transaction,
  component: ComponentPath,
  uuid: string,
): StoredFile | null {
  const sql = "SELECT document FROM stored_files WHERE uuid = ? AND component = ?";
  const row = transaction.database.get(sql, uuid.toLowerCase(), component);
  if (row) return fileOfDocument(transaction, component, String(row["document"]));
  // That it is not there depends on every file that could come.
  const table = transaction.readTable(component, STORAGE_TABLE);
  if (table) transaction.reads.add(table.byId.id, { lower: indexKey([]), upper: null });
  return null;
}

/** @returns whether there was one. */
export function removeFile(transaction: Transaction, component: ComponentPath, { id }: StoredFile): void {
  const table = transaction.catalog.table(component, STORAGE_TABLE);
  if (!table) throw new Error(`The stored file ${id} has no table`);
  transaction.remove(table, id);
  transaction.database.run("DELETE FROM stored_files WHERE document = ?", id);
}

function fileOfDocument(transaction: Transaction, component: ComponentPath, id: string): StoredFile | null {
  const table = transaction.readTable(component, STORAGE_TABLE);
  const document = table ? transaction.get(table, id) : null;
  const row = transaction.database.get("SELECT uuid, key FROM stored_files WHERE document = ?", id);
  return document && row ? fileOf(id, row, document.json) : null;
}

function fileOf(id: string, row: Row, json: string): StoredFile {
  const { sha256, size, contentType } = JSON.parse(json) as Pick<
    StoredFile,
    "sha256" | "size" | "contentType"
  >;
  return { id, uuid: String(row["uuid"]), key: String(row["key"]), sha256, size, contentType };
}

function requireStorageId(transaction: Transaction, component: ComponentPath, id: string): void {
  const number = tableNumberOfId(id);
  if (number !== null && transaction.tableNames(component)(number) === STORAGE_TABLE) return;
  throw new Error("Invalid storage ID. Storage ID cannot be an ID on any table other than '_storage'.");
}

/** The line break and the spaces are Convex's. */
function invalidStorageId(storageId: string, method: string): string {
  return (
    `Invalid argument \`storageId\` for \`${method}\`: Invalid storage ID: "${storageId}". Storage ID should be an\n` +
    `${" ".repeat(20)}Id of '_storage' table, or a UUID string.`
  );
}
