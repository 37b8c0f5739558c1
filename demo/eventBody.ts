/** The body of a streaming answer: events go out as fast as their reader takes them, cut into pieces where asked for. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";

export interface EventBody {
  /** Settles when the reader can take more, or has gone. */
  write(events: string): Promise<void>;
}

/** Sends the head. `chunkBytes`: the size of the pieces, or null for events as they are. */
export function openEventBody(
  response: ServerResponse,
  chunkBytes: number | null,
  gone: AbortSignal,
): EventBody {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  if (chunkBytes === null) {
    return { write: (events) => writeBytes(response, events, gone) };
  }
  return {
    async write(events) {
      const bytes = Buffer.from(events);
      for (let from = 0; from < bytes.length; from += chunkBytes) {
        await writeBytes(response, bytes.subarray(from, from + chunkBytes), gone);
        await nextTurn();
      }
    },
  };
}

/** Aborts when the connection has ended, from whichever side. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return gone.signal;
}

async function writeBytes(
  response: ServerResponse,
  bytes: string | Buffer,
  gone: AbortSignal,
): Promise<void> {
  if (!gone.aborted && !response.write(bytes)) {
    // The only rejection is the abort: the reader has gone, and the pacing ends by itself.
    await once(response, "drain", { signal: gone }).catch(() => undefined);
  }
}
