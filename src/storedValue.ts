/**
 * The browser's storage for a page that must also work where storage is forbidden or full: then nothing is kept. What
 * all tabs of the browser share outlives them; what is of one tab goes with it, not with a reload.
 */

export type StoredFor = "browser" | "tab";

export function readStored(key: string, storedFor: StoredFor = "browser"): string | null {
  try {
    return storageFor(storedFor).getItem(key);
  } catch {
    // Some privacy settings make the mere access throw; the page works without.
    return null;
  }
}

/** Null removes the value. False: it could not be kept, and lives as long as the page. */
export function writeStored(key: string, value: string | null, storedFor: StoredFor = "browser"): boolean {
  try {
    if (value === null) storageFor(storedFor).removeItem(key);
    else storageFor(storedFor).setItem(key, value);
    return true;
  } catch {
    // Forbidden or full.
    return false;
  }
}

/** The keys of all tabs that begin with `prefix`, in no order. */
export function storedKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    // Forbidden: then nothing is kept.
    return [];
  }
}

function storageFor(storedFor: StoredFor): Storage {
  return storedFor === "browser" ? localStorage : sessionStorage;
}
