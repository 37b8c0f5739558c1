/** What the page of a new chat leaves in the history for the page that it becomes. */

export interface HandedOver {
  pageKey: string;
}

/** History state outlives deployments, so it is read as a stranger's. */
export function readHandedOver(state: unknown): HandedOver | null {
  if (typeof state !== "object" || state === null) return null;
  const { pageKey } = state as Partial<HandedOver>;
  return typeof pageKey === "string" ? { pageKey } : null;
}
