/**
 * Where the bytes of stored files are in the data folder, and who may write there:
 *
 *   file-storage/stored/<key>    bytes with a row in `stored_files`; never changed; the engine thread moves them in and out
 *   file-storage/uploads/<key>   uploads under way; the main thread's
 *   file-storage/actions/<key>   what actions store and read; the action thread's
 *
 * Only `stored` outlives a process; each of the others is emptied by its owner when that starts. Names are random and ours: nothing a client sends becomes part of a path.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

export type IncomingFolder = "uploads" | "actions";
export const fileStorageFolder = "file-storage";
const parts = ["stored", "uploads", "actions"] as const;

export type StorageFolders = Readonly<Record<(typeof parts)[number], string>>;

export function storageFolders(dataDir: string): StorageFolders {
  const [stored, uploads, actions] = parts.map((part) => join(dataDir, fileStorageFolder, part));
  return { stored: stored!, uploads: uploads!, actions: actions! };
}

/** For their owner only, whatever the umask. */
export function makeStorageFolders(folders: StorageFolders): void {
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
}

export function newFileKey(): string {
  return randomUUID();
}

export function isFileKey(name: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name);
}

/** What a process or thread that is gone left in its folder. */
export function emptyFolder(folder: string): void {
  for (const name of readdirSync(folder)) if (isFileKey(name)) rmSync(join(folder, name), { force: true });
}

/** Removes the folders with all they hold; a file that is not ours keeps its folder. */
export function removeStorageFolders(dataDir: string): void {
  const folders = [...Object.values(storageFolders(dataDir)), join(dataDir, fileStorageFolder)];
  for (const folder of folders) {
    const names = namesIn(folder);
    if (names === null) continue;
    emptyFolder(folder);
    if (namesIn(folder)?.length === 0) rmSync(folder, { recursive: true });
  }
}

/** Makes names in the folder survive a power cut. Windows keeps them by itself and opens no folder. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function namesIn(folder: string): string[] | null {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
