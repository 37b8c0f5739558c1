/**
 * Makes a data folder from a backup: only an empty one, and only from a backup that is whole. The folder is a deployment's
 * when `deployment.sqlite` appears in it, which is the last thing that happens.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { lockDataFolder } from "../dataFolderLock.ts";
import { folderUnusable } from "../folderUnusable.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { backupTables, flush, openBackup, type BackupManifest } from "./backupFile.ts";

export interface RestoreOptions {
  dataDir: string;
  /** The backup. */
  from: string;
  nowMs: () => number;
}

/** Of the lock itself, which is taken before anything else is made. */
const lockFile = /^lock(-holder)?(-journal|-wal|-shm)?$/;

/** Throws a DeploymentError that says why nothing was restored; the folder is as it was then. */
export function restoreBackup({ dataDir: folder, from, nowMs }: RestoreOptions): BackupManifest {
  const dataDir = resolve(folder);
  const path = resolve(from);
  const existed = existsSync(dataDir);
  const { database, manifest } = openBackup(path);
  try {
    const lock = lockDataFolder(dataDir);
    try {
      refuseFull(dataDir);
      fill(dataDir, path, database, nowMs());
    } finally {
      lock.close();
      if (!existed && !existsSync(join(dataDir, "deployment.sqlite"))) rmSync(dataDir, { recursive: true });
    }
  } finally {
    database.close();
  }
  return manifest;
}

function refuseFull(dataDir: string): void {
  const [first] = readdirSync(dataDir).filter((name) => !lockFile.test(name));
  if (first === undefined) return;
  throw new DeploymentError(
    "FolderUnusable",
    `${dataDir} is not empty (it holds ${first}). A backup is restored into an empty folder: name another with --data.`,
  );
}

function fill(dataDir: string, from: string, backup: DatabaseSync, nowMs: number): void {
  const partial = join(dataDir, "deployment.sqlite.partial");
  const storage = join(dataDir, "file-storage");
  try {
    copyFileSync(from, partial);
    writeFiles(backup, join(storage, "stored"));
    makeDatabase(partial, nowMs);
    renameSync(partial, join(dataDir, "deployment.sqlite"));
    flush(dataDir);
  } catch (cause) {
    rmSync(partial, { force: true });
    rmSync(storage, { recursive: true, force: true });
    throw folderUnusable(dataDir, cause);
  }
}

function writeFiles(backup: DatabaseSync, stored: string): void {
  const files = backup.prepare("SELECT key, bytes, sha256 FROM backup_files").all();
  if (files.length > 0) mkdirSync(stored, { recursive: true, mode: 0o700 });
  for (const { key, bytes, sha256 } of files) {
    const written = writeFile(backup, String(key), stored);
    if (written.bytes === bytes && written.sha256.equals(sha256 as Uint8Array)) continue;
    throw new DeploymentError(
      "BadRequest",
      `The backup is damaged: the bytes of its stored file ${String(key)} are not those that were backed up.`,
    );
  }
  if (files.length > 0) flush(stored);
}

function writeFile(backup: DatabaseSync, key: string, stored: string): { bytes: number; sha256: Buffer } {
  // The file may come from anywhere: no name of it leads out of the folder.
  if (!/^[0-9A-Za-z-]+$/.test(key))
    throw new DeploymentError("BadRequest", `"${key}" is no name of a stored file.`);
  const hash = createHash("sha256");
  const chunks = backup.prepare("SELECT data FROM backup_chunks WHERE key = ? ORDER BY position");
  const file = openSync(join(stored, key), "wx", 0o600);
  let bytes = 0;
  try {
    for (const { data } of chunks.iterate(key)) {
      const chunk = data as Uint8Array;
      hash.update(chunk);
      writeFileSync(file, chunk);
      bytes += chunk.length;
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return { bytes, sha256: hash.digest() };
}

/** Drops what only a backup has, and puts the clock ahead of every timestamp that was handed out since the backup. */
function makeDatabase(path: string, nowMs: number): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("BEGIN");
    for (const table of backupTables) database.exec(`DROP TABLE ${table}`);
    database
      .prepare("UPDATE clock SET last_ts = max(last_ts, ?)")
      .run(BigInt(Math.floor(nowMs)) * 1_000_000n);
    database.exec("COMMIT; VACUUM");
  } finally {
    database.close();
  }
  flush(path);
}
