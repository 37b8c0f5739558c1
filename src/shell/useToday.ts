/** The beginning of the current day, in the browser's time zone; changes at midnight. */
import { useSyncExternalStore } from "react";

export function useToday(): Date {
  return new Date(useSyncExternalStore(subscribe, startOfToday));
}

/** A number, so that the answer is the same one all day. */
function startOfToday(): number {
  return new Date().setHours(0, 0, 0, 0);
}

function subscribe(listener: () => void): () => void {
  const tomorrow = new Date(startOfToday());
  tomorrow.setDate(tomorrow.getDate() + 1);
  const timer = setTimeout(listener, tomorrow.getTime() - Date.now() + 1);
  return () => clearTimeout(timer);
}
