/** `localStorage` for a page that must also work where storage is forbidden or full: then nothing is kept. */

export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    // Some privacy settings make the mere access throw; the page works without.
    return null;
  }
}

/** Null removes the value. */
export function writeStored(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Forbidden or full: what would have been kept lives as long as the page.
  }
}
