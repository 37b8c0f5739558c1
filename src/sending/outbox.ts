/**
 * Messages on their way, written down before they leave: a page that dies between Enter and the server's answer sends
 * them again when it comes back, under the same request id, which the server counts once.
 */
import { readStored, writeStored } from "../storedValue.ts";

const STORAGE_KEY = "duet.outbox";

export interface OutboxEntry {
  clientRequestId: string;
  /** Null for the first message of a chat to be made. */
  chatId: string | null;
  text: string;
  model: string | null;
  sentAtMs: number;
}

export function addToOutbox(entry: OutboxEntry): void {
  write([...readOutbox().filter((other) => other.clientRequestId !== entry.clientRequestId), entry]);
}

export function removeFromOutbox(clientRequestId: string): void {
  write(readOutbox().filter((entry) => entry.clientRequestId !== clientRequestId));
}

export function readOutbox(): OutboxEntry[] {
  const written = readStored(STORAGE_KEY);
  if (written === null) return [];
  try {
    const entries: unknown = JSON.parse(written);
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  } catch {
    // Not ours or cut short: nothing in it can be sent.
    return [];
  }
}

function write(entries: OutboxEntry[]): void {
  writeStored(STORAGE_KEY, entries.length === 0 ? null : JSON.stringify(entries));
}

function isEntry(value: unknown): value is OutboxEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Partial<OutboxEntry>;
  return (
    typeof entry.clientRequestId === "string" &&
    typeof entry.text === "string" &&
    typeof entry.sentAtMs === "number" &&
    (entry.chatId === null || typeof entry.chatId === "string") &&
    (entry.model === null || typeof entry.model === "string")
  );
}
