/** A `fetch` for tests of several requests: each is a scripted stream of its own, in the order in which they came. */
import { scriptedStream, type ScriptedStream } from "./scriptedStream.ts";

export interface ScriptedFetch {
  fetch: typeof fetch;
  streams: ScriptedStream[];
  /** What the requests carried. */
  bodies(): Record<string, unknown>[];
}

export function scriptedFetch(): ScriptedFetch {
  const streams: ScriptedStream[] = [];
  return {
    streams,
    fetch: (input, init) => {
      const stream = scriptedStream();
      streams.push(stream);
      return stream.fetch(input, init);
    },
    bodies: () => streams.map(({ requests }) => requests[0]?.body as Record<string, unknown>),
  };
}
