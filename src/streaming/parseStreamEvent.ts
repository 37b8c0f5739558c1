/** Checks one SSE event of `/chat-stream` at the edge and gives it its type. */
import type { ProviderErrorKind } from "../../convex/shared/errors.ts";
import type { StreamEvent, Turn } from "../../convex/shared/streamEvents.ts";
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
      return parseStart(fields);
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

function parseStart({ attempt, from, turn: named }: Fields): StreamEvent | null {
  if (!isLength(attempt) || !isLength(from)) return null;
  const turn = parseTurn(named);
  return turn === null ? { kind: "start", attempt, from } : { kind: "start", attempt, from, turn };
}

/** The turn that a request began, or null for anything else. */
export function parseTurn(value: unknown): Turn | null {
  if (typeof value !== "object" || value === null) return null;
  const { chatId, userMessageId, messageId, streamId } = value as Partial<Turn>;
  return [chatId, userMessageId, messageId, streamId].every((id) => typeof id === "string" && id !== "")
    ? (value as Turn)
    : null;
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
