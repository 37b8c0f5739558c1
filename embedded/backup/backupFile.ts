/**
 * What a backup is: one SQLite file, the deployment's database with three tables more. They hold the bytes of the stored
 * files, which the data folder keeps beside the database, and a manifest, written last: a file without it is no backup.
 */
import { closeSync, fsyncSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { integrityProblem } from "../store/integrity.ts";
import { MIGRATIONS } from "../store/migrations.ts";

/** Of these three tables. */
export const backupFormat = 1;

export const backupTables = ["backup_manifest", "backup_files", "backup_chunks"] as const;

export const backupSchema = `
  CREATE TABLE backup_manifest (format INTEGER NOT NULL, created_ms REAL NOT NULL, files INTEGER NOT NULL);
  CREATE TABLE backup_files (key TEXT PRIMARY KEY, bytes INTEGER NOT NULL, sha256 BLOB NOT NULL);
  CREATE TABLE backup_chunks (
    key TEXT NOT NULL, position INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (key, position)
  );
`;

/** Name of the table that says which stored files there are; a database from before file storage has none. */
export function storedFileKeys(database: DatabaseSync): string[] {
  if (!hasTable(database, "stored_files")) return [];
  const rows = database.prepare("SELECT key FROM stored_files ORDER BY key").all();
  return rows.map(({ key }) => String(key));
}

export interface BackupManifest {
  createdMs: number;
  files: number;
}

/** Opens a backup after it was found whole. The caller closes it. Throws a DeploymentError that says what is wrong with it. */
export function openBackup(path: string): { database: DatabaseSync; manifest: BackupManifest } {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw noBackup(path, "there is no such file");
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return { database, manifest: checkedManifest(path, database) };
  } catch (error) {
    database.close();
    throw error instanceof DeploymentError ? error : noBackup(path, messageOf(error), error);
  }
}

function checkedManifest(path: string, database: DatabaseSync): BackupManifest {
  if (!hasTable(database, "backup_manifest") || !hasTable(database, "documents"))
    throw noBackup(path, "it was not made by `backup`");
  const manifest = database.prepare("SELECT * FROM backup_manifest").get();
  if (!manifest) throw noBackup(path, "it is not complete: the backup was interrupted");
  const format = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (Number(manifest["format"]) > backupFormat || format > MIGRATIONS.length) {
    throw noBackup(
      path,
      `it was made by a newer version of this program (format ${format}, known up to ${MIGRATIONS.length}). Update the program`,
    );
  }
  const problem = integrityProblem(database, "integrity_check");
  if (problem !== null) throw noBackup(path, `it is damaged (${problem})`);
  return { createdMs: Number(manifest["created_ms"]), files: Number(manifest["files"]) };
}

/** A file's bytes, or a folder's names, survive a power cut from here on. */
export function flush(path: string): void {
  if (process.platform === "win32") return; // opens no folder, and keeps names by itself
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function hasTable(database: DatabaseSync, name: string): boolean {
  const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
  return database.prepare(sql).get(name) !== undefined;
}

function noBackup(path: string, reason: string, cause?: unknown): DeploymentError {
  return new DeploymentError("BadRequest", `${path} cannot be restored: ${reason}.`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
