/** `localStorage` for a page that must also work where storage is forbidden or full: then nothing is kept. */

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // Some privacy settings make the mere access throw; the page works without.
    return null;
  }
}

/** Null removes the value. False: it could not be kept, and lives as long as the page. */
export function writeStored(key: string, value: string | null): boolean {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
    return true;
  } catch {
    // Forbidden or full.
    return false;
  }
}

/** The keys that begin with `prefix`, in no order. */
export function storedKeys(prefix: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    // Forbidden: then nothing is kept.
    return [];
  }
}
