/**
 * Takes a provider's events as soon as they come, whatever their reader waits for. `fetch` forgets what has arrived and was
 * not read when its connection breaks off, and a pump reads no faster than the database takes the text.
 */
import type { Provider, ProviderEvent } from "./provider.ts";

/** UTF-16 units that may wait for the reader: more than any model says in one reply, and bounded. */
const maxAhead = 2_000_000;

/** The same provider, whose streams lose nothing that has arrived. */
export function readingAhead(provider: Provider): Provider {
  return {
    stream: (request, signal) => readAhead(provider.stream(request, signal)),
    ...(provider.resume && { resume: (id, signal) => readAhead(provider.resume!(id, signal)) }),
    ...(provider.cancel && { cancel: (id) => provider.cancel!(id) }),
  };
}

/** The same events in the same order, and the same end, behind the last of them. */
async function* readAhead(source: AsyncIterable<ProviderEvent>): AsyncGenerator<ProviderEvent> {
  const arrived: ProviderEvent[] = [];
  let ahead = 0;
  let end: { error: unknown } | "whole" | null = null;
  let change = Promise.withResolvers<void>();
  const announce = (): void => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const read = async (): Promise<void> => {
    try {
      for await (const event of source) {
        arrived.push(event);
        ahead += lengthOf(event);
        announce();
        while (ahead > maxAhead) {
          await change.promise;
        }
      }
      end = "whole";
    } catch (error) {
      end = { error };
    }
    announce();
  };
  void read();
  for (;;) {
    const event = arrived.shift();
    if (event !== undefined) {
      ahead -= lengthOf(event);
      announce();
      yield event;
    } else if (end === null) {
      await change.promise;
    } else if (end === "whole") {
      return;
    } else {
      throw (end as { error: unknown }).error;
    }
  }
}

function lengthOf(event: ProviderEvent): number {
  return event.kind === "text" || event.kind === "reasoning" ? event.text.length : 0;
}
