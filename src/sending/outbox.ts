/**
 * Requests on their way, written down before they leave: should the page die between Enter and the server's answer,
 * another one sends them again, under the same request id, which the server counts once. Each has a key of its own in
 * `localStorage`: the tabs of a browser write beside each other.
 */
import { readStored, storedKeys, writeStored } from "../storedValue.ts";
import { parseTurnRequest, type TurnRequest } from "./turnRequest.ts";

const KEY_PREFIX = "duet.outbox.";

export interface OutboxEntry {
  request: TurnRequest;
  /** The chat that shows it; null for the first message of a chat to be made. */
  chatId: string | null;
  /** The page that shows it until its chat is made; null where the chat is there. */
  pageKey: string | null;
  sentAtMs: number;
  /** The person stopped the reply before the server had the request. */
  isStopWanted?: boolean;
}

/** False where the storage took nothing: the request then lives as long as the page. */
export function addToOutbox(entry: OutboxEntry): boolean {
  return writeStored(keyOf(entry.request.clientRequestId), JSON.stringify(entry));
}

export function removeFromOutbox(clientRequestId: string): void {
  writeStored(keyOf(clientRequestId), null);
}

/** Oldest first. */
export function readOutbox(): OutboxEntry[] {
  return storedKeys(KEY_PREFIX)
    .map((key) => parseEntry(readStored(key)))
    .filter((entry) => entry !== null)
    .toSorted((one, other) => one.sentAtMs - other.sentAtMs);
}

export function readOutboxEntry(clientRequestId: string): OutboxEntry | null {
  return parseEntry(readStored(keyOf(clientRequestId)));
}

/** The request that another tab has just written down, or null where something else happened to the storage. */
export function addedRequestId({ key, newValue }: StorageEvent): string | null {
  return key?.startsWith(KEY_PREFIX) && newValue !== null ? key.slice(KEY_PREFIX.length) : null;
}

function keyOf(clientRequestId: string): string {
  return `${KEY_PREFIX}${clientRequestId}`;
}

function parseEntry(written: string | null): OutboxEntry | null {
  if (written === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch {
    // Not ours or cut short: nothing in it can be sent.
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { request: asked, chatId, pageKey, sentAtMs, isStopWanted } = value as Partial<OutboxEntry>;
  const request = parseTurnRequest(asked);
  if (request === null || typeof sentAtMs !== "number") return null;
  const entry = { request, chatId: textOrNull(chatId), pageKey: textOrNull(pageKey), sentAtMs };
  return isStopWanted === true ? { ...entry, isStopWanted } : entry;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
