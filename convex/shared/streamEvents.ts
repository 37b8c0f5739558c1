/**
 * The events of `POST /chat-stream` with `Accept: text/event-stream`: each an SSE event with `event: <kind>`,
 * `id: <attempt>.<seq>` and the JSON below as data. A body that ends without `done` or `error` means: read the database.
 * Offsets and lengths are UTF-16 code units of the reply's text.
 */
import type { Id } from "../_generated/dataModel.js";
import type { ProviderErrorKind } from "./errors.ts";

/** What a request for a turn made: its place in the tree, and the stream of its reply. */
export interface Turn {
  chatId: Id<"chats">;
  userMessageId: Id<"messages">;
  /** The reply. */
  messageId: Id<"messages">;
  streamId: string;
}

/** Carries the `Turn` as JSON where a POST began one; the only way to learn it from plain text. */
export const turnHeader = "X-Duet-Turn";

export type StreamEvent =
  /**
   * First event, sent as soon as the run is claimed. `from` is the offset of the first text to come; `turn` is there
   * where the POST itself began it.
   */
  | { kind: "start"; attempt: number; from: number; turn?: Turn }
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

/** The status in the words of the component, whose hook reads it. */
export function bodyStatus(status: RunStatus): "pending" | "streaming" | "done" | "error" {
  switch (status) {
    case "queued":
      return "pending";
    case "running":
    case "recovering":
      return "streaming";
    case "complete":
    case "stopped":
      return "done";
    case "failed":
    case "interrupted":
      return "error";
    default:
      return status satisfies never;
  }
}
