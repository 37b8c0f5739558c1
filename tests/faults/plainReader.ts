/**
 * Drives a reply as `curl` does, or the component's own hook: without a token, without `Accept`, with fields besides that
 * nobody asked for. What comes is plain text, and the only word about its end is the end.
 */
import type { PlainReading } from "./evidence.ts";

export interface PlainReaderOptions {
  streamId: string;
  /** UTF-16 units after which the reader goes away; null: it stays. */
  leavesAt: number | null;
  fetch: typeof fetch;
  /** Aborts when its page is gone. */
  signal: AbortSignal;
}

/** Notes in `reading` what comes, to its end. Never rejects. */
export async function readPlainText(
  url: string,
  reading: PlainReading,
  { streamId, leavesAt, fetch: send, signal }: PlainReaderOptions,
): Promise<void> {
  const leaving = new AbortController();
  try {
    const response = await send(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ streamId, prompt: "What is this?", chatId: "none of yours" }),
      signal: AbortSignal.any([signal, leaving.signal]),
    });
    if (!response.ok || response.body === null) {
      reading.end = "refused";
      return;
    }
    const decoder = new TextDecoder();
    for await (const bytes of response.body) {
      reading.text += decoder.decode(bytes, { stream: true });
      if (leavesAt !== null && reading.text.length >= leavesAt) {
        reading.end = "left";
        leaving.abort();
        return;
      }
    }
    reading.text += decoder.decode();
    reading.end = "whole";
  } catch {
    // The network has faults, or the page is gone: what came until then was noted.
    reading.end = "broken";
  }
}
