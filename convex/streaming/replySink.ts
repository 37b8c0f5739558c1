/** Where the pump sends a reply besides the database: to the client that drives it, or to nobody. */
import type { StreamEvent } from "../shared/streamEvents.ts";

export interface ReplySink {
  /** Never throws and never waits: a client that is slow or gone must not hold the run up. */
  send(event: StreamEvent): void;
  /** Shows the client that the connection lives. */
  ping(): void;
  /** Ends the body; without a `done` or `error` before it, the client goes to the database. */
  close(): void;
}

/** For a run that nobody drives. */
export const noSink: ReplySink = { send() {}, ping() {}, close() {} };
