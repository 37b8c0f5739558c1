/**
 * The requests whose texts went back to their composers: a connection that hung may yet bring one to the server. So the
 * same text goes out under the same request id, which the server counts once, and leaves its composer when the message
 * turns up in the chat after all.
 */
import { readStored, storedKeys, writeStored } from "../storedValue.ts";

export interface GivenBack {
  clientRequestId: string;
  text: string;
}

const KEY_PREFIX = "duet.givenBack.";

export function rememberGivenBack(draftKey: string, request: GivenBack): void {
  writeStored(KEY_PREFIX + draftKey, JSON.stringify(request));
}

export function forgetGivenBack(draftKey: string): void {
  writeStored(KEY_PREFIX + draftKey, null);
}

export function readGivenBack(draftKey: string): GivenBack | null {
  const written = readStored(KEY_PREFIX + draftKey);
  if (written === null) return null;
  try {
    const { clientRequestId, text } = JSON.parse(written) as Partial<GivenBack>;
    return typeof clientRequestId === "string" && typeof text === "string" ? { clientRequestId, text } : null;
  } catch {
    // Not ours or cut short: a text that is sent gets an id of its own then.
    return null;
  }
}

/** Under which the same text left this composer before, if it did. */
export function givenBackId(draftKey: string, text: string): string | null {
  const before = readGivenBack(draftKey);
  return before?.text === text ? before.clientRequestId : null;
}

/** The composers that hold such a text. */
export function draftsGivenBack(): string[] {
  return storedKeys(KEY_PREFIX).map((key) => key.slice(KEY_PREFIX.length));
}
