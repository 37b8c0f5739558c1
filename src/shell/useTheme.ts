/** Light, dark, or whatever the system says; kept in `localStorage` and set on the document before the first paint. */
import { useCallback, useSyncExternalStore } from "react";
import { readStored, writeStored } from "../storedValue.ts";

export type Theme = "system" | "light" | "dark";

/** The script in index.html reads the same key. */
const STORAGE_KEY = "duet.theme";
const CHANGED = "duet:themechange";

export function useTheme(): { theme: Theme; choose: (theme: Theme) => void } {
  const theme = useSyncExternalStore(subscribe, readTheme);
  const choose = useCallback((next: Theme) => {
    writeStored(STORAGE_KEY, next === "system" ? null : next);
    applyTheme(next);
    window.dispatchEvent(new Event(CHANGED));
  }, []);
  return { theme, choose };
}

function readTheme(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function subscribe(listener: () => void): () => void {
  // Another tab of the same browser may choose too.
  const onStorage = (event: StorageEvent) => {
    if (event.key !== STORAGE_KEY) return;
    const stored = readStored(STORAGE_KEY);
    applyTheme(stored === "light" || stored === "dark" ? stored : "system");
    listener();
  };
  window.addEventListener("storage", onStorage);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener("storage", onStorage);
    window.removeEventListener(CHANGED, listener);
  };
}
