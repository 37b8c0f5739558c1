/**
 * One process on one data folder. The lock is an exclusive transaction on a SQLite file that holds nothing else: the
 * operating system drops it with the process, also after SIGKILL, so a stale lock cannot exist.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DeploymentError } from "./protocol/deploymentError.ts";

export interface DataFolderLock {
  close(): void;
}

/** Makes the folder if need be. Throws FolderInUse, naming the holder's process where it is known. */
export function lockDataFolder(dataDir: string): DataFolderLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const holderPath = join(dataDir, "lock-holder");
  const database = new DatabaseSync(join(dataDir, "lock"));
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    const holder = holderOf(holderPath);
    throw new DeploymentError(
      "FolderInUse",
      `Another process${holder} already uses the data folder ${dataDir}. End it, or choose another folder with --data.`,
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
