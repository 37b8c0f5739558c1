/** Checks one SSE event of `/chat-stream` at the edge and gives it its type. */
import type { ProviderErrorKind } from "../../convex/shared/errors.ts";
import type { StreamEvent } from "../../convex/shared/streamEvents.ts";
import type { SseMessage } from "./sseParser.ts";

type Fields = Record<string, unknown>;

/**
 * The event, or null for a kind this client does not know (a newer server may send more) and for data that is not
 * what its kind promises: an event we cannot trust is left out, and the gap sends the reader to the database.
 */
export function parseStreamEvent(message: SseMessage): StreamEvent | null {
  const fields = parseFields(message.data);
  if (fields === null) return null;
  switch (message.event) {
    case "start":
      return isLength(fields.attempt) && isLength(fields.from)
        ? { kind: "start", attempt: fields.attempt, from: fields.from }
        : null;
    case "text":
    case "reasoning":
      return isLength(fields.offset) && typeof fields.text === "string"
        ? { kind: message.event, offset: fields.offset, text: fields.text }
        : null;
    case "error":
      return typeof fields.error === "string" && typeof fields.message === "string"
        ? { kind: "error", error: fields.error as ProviderErrorKind, message: fields.message }
        : null;
    case "done":
      return isLength(fields.length) && (fields.status === "complete" || fields.status === "stopped")
        ? { kind: "done", status: fields.status, length: fields.length }
        : null;
    default:
      return null;
  }
}

function parseFields(data: string): Fields | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Fields) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isLength(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
