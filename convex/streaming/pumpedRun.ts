/** What a pump is given: the run it produces, and everything it works with. */
import type { Provider, ProviderRequest, Usage } from "../providers/provider.ts";
import type { Clock } from "./clock.ts";
import type { Lease } from "./leaseKeeper.ts";
import type { ReplySink } from "./replySink.ts";
import type { NotedResponse, RunStore } from "./runStore.ts";

export interface PumpedRun {
  attempt: number;
  /** On the pump's clock: when it has lived as long as an action may, the run is handed on. */
  actionBeganAt: number;
  /** As the claim gave it; `askedAt` is on the pump's clock. */
  lease: Lease;
  /** The beginning of the reply, from an earlier attempt; of a very long one the end of that, from `persistedFrom` on. */
  persistedText: string;
  persistedFrom: number;
  /** UTF-16 units of the reply's reasoning that an earlier attempt persisted. */
  reasoningLength: number;
  /** What an earlier attempt asked for, and its provider may go on with; missing where there is none. */
  response?: NotedResponse | undefined;
  request: ProviderRequest;
  /** Null where the price is unknown. */
  costOf(usage: Usage): number | null;
}

export interface PumpParts {
  provider: Provider;
  store: RunStore;
  sink: ReplySink;
  clock: Clock;
}
