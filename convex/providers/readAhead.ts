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
  const arrived = new ArrivedEvents();
  void arrived.fill(source);
  yield* arrived.read();
}

class ArrivedEvents {
  private events: ProviderEvent[] = [];
  private end: { error: unknown } | "whole" | null = null;
  private ahead = 0;
  private wakes: (() => void)[] = [];

  /** Never rejects: the reader gets the error, in its turn. */
  async fill(source: AsyncIterable<ProviderEvent>): Promise<void> {
    try {
      for await (const event of source) {
        this.events.push(event);
        this.ahead += lengthOf(event);
        this.announce();
        while (this.ahead > maxAhead) {
          await this.change();
        }
      }
      this.end = "whole";
    } catch (error) {
      this.end = { error };
    }
    this.announce();
  }

  async *read(): AsyncGenerator<ProviderEvent> {
    for (;;) {
      const arrived = this.events;
      this.events = [];
      for (const event of arrived) {
        this.ahead -= lengthOf(event);
        this.announce();
        yield event;
      }
      if (this.events.length === 0 && this.end !== null) {
        break;
      }
      if (this.events.length === 0) {
        await this.change();
      }
    }
    if (this.end !== "whole") {
      throw this.end.error;
    }
  }

  private async change(): Promise<void> {
    await new Promise<void>((resolve) => this.wakes.push(resolve));
  }

  private announce(): void {
    for (const wake of this.wakes.splice(0)) {
      wake();
    }
  }
}

function lengthOf(event: ProviderEvent): number {
  return event.kind === "text" || event.kind === "reasoning" ? event.text.length : 0;
}
