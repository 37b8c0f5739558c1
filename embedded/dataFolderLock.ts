/**
 * One process on one data folder. The lock is an exclusive transaction on a SQLite file that holds nothing else: the
 * operating system drops it with the process, also after SIGKILL, so a stale lock cannot exist.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { folderUnusable } from "./folderUnusable.ts";
import { DeploymentError } from "./protocol/deploymentError.ts";

/** Another connection holds the lock: https://sqlite.org/rescode.html#busy */
const sqliteBusy = 5;

export interface DataFolderLock {
  close(): void;
}

/** Makes the folder if need be. Throws FolderUnusable, or FolderInUse with the holder's process where it is known. */
export function lockDataFolder(dataDir: string): DataFolderLock {
  try {
    makeFolder(dataDir);
    return lock(dataDir);
  } catch (cause) {
    throw folderUnusable(dataDir, cause);
  }
}

/** With the folders above it. Node's own recursion never ends where nothing can be made, such as in /proc. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  mkdirSync(path, { mode: 0o700 });
}

function lock(dataDir: string): DataFolderLock {
  const holderPath = join(dataDir, "lock-holder");
  const database = new DatabaseSync(join(dataDir, "lock"));
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== sqliteBusy) throw cause;
    const holder = holderOf(holderPath);
    throw new DeploymentError(
      "FolderInUse",
      `Another process${holder} already uses the data folder ${dataDir}. End it, or choose another data folder.`,
      { cause },
    );
  }
  writeFileSync(holderPath, String(process.pid));
  let isOpen = true;
  return {
    close() {
      if (!isOpen) return;
      isOpen = false;
      database.close();
    },
  };
}

/** Only for the sentence: the file may be of a process that died between locking and writing. */
function holderOf(path: string): string {
  try {
    return ` (process ${readFileSync(path, "utf8")})`;
  } catch {
    return ""; // not written yet: the sentence does without
  }
}
