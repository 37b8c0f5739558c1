/**
 * The events of `POST /chat-stream` with `Accept: text/event-stream`: each an SSE event with `event: <kind>`,
 * `id: <attempt>.<seq>` and the JSON below as data. A body that ends without `done` or `error` means: read the database.
 * Offsets and lengths are UTF-16 code units of the reply's text.
 */
import type { ProviderErrorKind } from "./errors.ts";

export type StreamEvent =
  /** First event, sent as soon as the run is claimed. `from` is the offset of the first text to come. */
  | { kind: "start"; attempt: number; from: number }
  /** `text` stands at `offset`; events of one attempt follow each other without gap. */
  | { kind: "text"; offset: number; text: string }
  | { kind: "reasoning"; offset: number; text: string }
  | { kind: "error"; error: ProviderErrorKind; message: string }
  /** All text is persisted; `length` is its whole length. */
  | { kind: "done"; status: "complete" | "stopped"; length: number };

export type StreamEventKind = StreamEvent["kind"];

export type RunStatus =
  | "queued"
  | "running"
  | "recovering"
  | "complete"
  | "stopped"
  | "failed"
  | "interrupted";

/** True when nothing more is written to the reply, unless somebody starts it again. */
export function hasEnded(status: RunStatus): boolean {
  switch (status) {
    case "queued":
    case "running":
    case "recovering":
      return false;
    case "complete":
    case "stopped":
    case "failed":
    case "interrupted":
      return true;
    default:
      return status satisfies never;
  }
}
