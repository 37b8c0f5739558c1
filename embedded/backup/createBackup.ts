/**
 * Makes a backup of a data folder, also of one that a deployment is running on. It works on the folder alone, in a process
 * of its own: the deployment neither knows nor waits, for in SQLite's WAL a reader stops no writer.
 *
 * A row in the backup always has its bytes: the database is copied at one moment, then the stored files that it names are
 * linked out of the running deployment's reach. One that was removed between the two makes it begin again.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { integrityProblem } from "../store/integrity.ts";
import { backupFormat, backupSchema, flush, storedFileKeys } from "./backupFile.ts";

export interface BackupOptions {
  dataDir: string;
  /** File to make; it must not exist. */
  to: string;
  nowMs: () => number;
  /** Between the copy of the database and that of the files; tests remove files here. */
  onDatabaseCopied?: () => void;
}

export interface BackupResult {
  databaseBytes: number;
  files: number;
  fileBytes: number;
}

/** All in one step: a copy in several begins anew whenever the deployment writes. */
const allPages = 2 ** 31 - 1;
/** Files are removed between the two copies only by chance: each attempt takes about as long as copying the database. */
const maxAttempts = 20;
const chunkBytes = 1024 * 1024;
const busyTimeoutMs = 10_000;

/** Rejects with a DeploymentError that says why there is no backup; nothing of it is left then. */
export async function createBackup(options: BackupOptions): Promise<BackupResult> {
  const dataDir = resolve(options.dataDir);
  const to = resolve(options.to);
  const source = join(dataDir, "deployment.sqlite");
  if (!existsSync(source))
    throw refused(`${dataDir} holds no data of a deployment. Name its folder with --data.`);
  if (existsSync(to)) throw refused(`${to} exists already. Name another file with --to, or remove it.`);
  if (!existsSync(dirname(to))) throw refused(`There is no folder ${dirname(to)} to make the backup in.`);
  const partial = `${to}.partial`;
  const staging = join(dataDir, `backup-staging-${process.pid}`);
  try {
    await copyConsistently(source, partial, staging, options);
    const result = addFiles(partial, staging, options.nowMs());
    flush(partial);
    renameSync(partial, to);
    flush(dirname(to));
    return result;
  } finally {
    for (const path of [partial, `${partial}-journal`, `${partial}-wal`, `${partial}-shm`, staging])
      rmSync(path, { recursive: true, force: true });
  }
}

async function copyConsistently(
  source: string,
  partial: string,
  staging: string,
  { onDatabaseCopied }: BackupOptions,
): Promise<void> {
  const stored = join(dirname(source), "file-storage", "stored");
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    rmSync(partial, { force: true });
    await copyDatabase(source, partial);
    onDatabaseCopied?.();
    if (linkAll(keysIn(partial), stored, staging)) return;
  }
  throw refused(
    `Files were removed from ${stored} faster than the database could be copied, ${maxAttempts} times. Try again when less is going on.`,
  );
}

async function copyDatabase(source: string, partial: string): Promise<void> {
  const database = new DatabaseSync(source, { timeout: busyTimeoutMs });
  try {
    await backup(database, partial, { rate: allPages });
  } finally {
    database.close();
  }
}

function keysIn(path: string): string[] {
  const database = new DatabaseSync(path);
  try {
    // One file, without companions, from here on.
    database.exec("PRAGMA journal_mode = DELETE");
    return storedFileKeys(database);
  } finally {
    database.close();
  }
}

/** @returns false when a file is not there any more. */
function linkAll(keys: string[], stored: string, staging: string): boolean {
  mkdirSync(staging, { recursive: true });
  for (const key of keys) {
    const target = join(staging, key);
    if (existsSync(target)) continue;
    try {
      link(join(stored, key), target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }
  return true;
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // File systems without hard links.
    if (code === "EPERM" || code === "ENOTSUP" || code === "ENOSYS") copyFileSync(from, to);
    else throw error;
  }
}

/** Puts the files into the copied database, and the manifest when all is there and sound. */
function addFiles(partial: string, staging: string, createdMs: number): BackupResult {
  const database = new DatabaseSync(partial);
  try {
    // What is interrupted here is thrown away as a whole.
    database.exec(`PRAGMA synchronous = OFF; BEGIN; ${backupSchema}`);
    const keys = storedFileKeys(database);
    const databaseBytes = sizeOf(database);
    let fileBytes = 0;
    for (const key of keys) fileBytes += addFile(database, key, join(staging, key));
    database
      .prepare("INSERT INTO backup_manifest VALUES (?, ?, ?)")
      .run(backupFormat, createdMs, keys.length);
    database.exec("COMMIT");
    const problem = integrityProblem(database, "integrity_check");
    if (problem !== null) throw refused(`The database is damaged: ${problem}. The backup was not kept.`);
    return { databaseBytes, files: keys.length, fileBytes };
  } finally {
    database.close();
  }
}

function addFile(database: DatabaseSync, key: string, path: string): number {
  const insert = database.prepare("INSERT INTO backup_chunks VALUES (?, ?, ?)");
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(chunkBytes);
  const file = openSync(path, "r");
  let position = 0;
  try {
    for (;;) {
      const read = readSync(file, buffer, 0, chunkBytes, position);
      if (read === 0) break;
      const chunk = buffer.subarray(0, read);
      hash.update(chunk);
      insert.run(key, position, chunk);
      position += read;
    }
  } finally {
    closeSync(file);
  }
  database.prepare("INSERT INTO backup_files VALUES (?, ?, ?)").run(key, position, hash.digest());
  return position;
}

function sizeOf(database: DatabaseSync): number {
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  return pages * Number(database.prepare("PRAGMA page_size").get()?.["page_size"]);
}

function refused(message: string): DeploymentError {
  return new DeploymentError("BadRequest", message);
}
