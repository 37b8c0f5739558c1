/**
 * What the events of one response at OpenAI mean. Owns how far it was read, so that a response that is read on
 * from its middle, or whole at the end, brings nothing twice.
 */
import type {
  Response,
  ResponseError,
  ResponseOutputItem,
  ResponseStreamEvent,
  ResponseUsage,
} from "openai/resources/responses/responses";
import { ProviderError } from "./provider.ts";
import type { ProviderEvent, Usage } from "./provider.ts";
import { kindOfFailure } from "./providerFailure.ts";

/** Between two messages of one response, and between two parts of its reasoning, which come without any. */
const partBreak = "\n\n";

export class ResponseReader {
  /** Known from the first event on. */
  id: string | null;
  /** Of the newest event, by which the server can be asked for those after it; null before the first. */
  lastSequence: number | null = null;
  /** The last event was read: nothing more will come. */
  hasEnded = false;
  private readonly isResumable: boolean;
  private readonly text = new PartedText();
  private readonly reasoning = new PartedText();

  /** Of a response that goes on without us, `isResumable`, the id is told as soon as it is known. */
  constructor(isResumable: boolean, id: string | null = null) {
    this.isResumable = isResumable;
    this.id = id;
  }

  /** The server works on the response, whether or not anybody reads it. */
  get goesOnWithoutUs(): boolean {
    return this.isResumable && this.id !== null && !this.hasEnded;
  }

  *read(event: ResponseStreamEvent): Generator<ProviderEvent> {
    this.lastSequence = event.sequence_number ?? this.lastSequence;
    switch (event.type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        yield* this.meet(event.response);
        return;
      case "response.output_text.delta":
      case "response.refusal.delta":
        yield* spoken("text", this.text.add(`${event.output_index}`, event.delta));
        return;
      case "response.reasoning_summary_text.delta":
        yield* this.think(`${event.output_index}.${event.summary_index}`, event.delta);
        return;
      case "response.reasoning_text.delta":
        yield* this.think(`${event.output_index}.${event.content_index}`, event.delta);
        return;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        yield* this.readWhole(event.response);
        return;
      case "error":
        throw failure(event);
      default:
      // Beginnings and ends of parts, which their texts tell as well, and tools, of which none was offered.
    }
  }

  /** What a response that has ended still brings: the rest of its text, how it ended, what it used. */
  *readWhole(response: Response): Generator<ProviderEvent> {
    yield* this.meet(response);
    this.hasEnded = true;
    const output = response.output ?? [];
    yield* spoken("reasoning", this.reasoning.rest(output.flatMap(thoughtsOf)));
    yield* spoken("text", this.text.rest(output.map(wordsOf)));
    if (response.usage) {
      yield { kind: "usage", usage: usageOf(response.usage) };
    }
    switch (response.status) {
      case "completed":
        yield { kind: "finish", reason: "stop" };
        return;
      case "incomplete":
        yield { kind: "finish", reason: isFiltered(response) ? "refused" : "length" };
        return;
      case "cancelled":
        yield* this.tellFailure();
        throw new ProviderError("unknown", "The response was cancelled at the model's server.");
      default:
        yield* this.tellFailure();
        throw failure(response.error);
    }
  }

  private *tellFailure(): Generator<ProviderEvent> {
    if (this.isResumable) {
      yield { kind: "responseFailed" };
    }
  }

  private *meet({ id }: Response): Generator<ProviderEvent> {
    const isNew = this.id === null;
    this.id ??= id;
    if (isNew && this.isResumable) {
      yield { kind: "response", id };
    }
  }

  private *think(part: string, delta: string): Generator<ProviderEvent> {
    yield* spoken("reasoning", this.reasoning.add(part, delta));
  }
}

/** A text that comes in parts, or once more as a whole. */
class PartedText {
  private length = 0;
  private part: string | null = null;

  add(part: string, delta: string): string {
    const isNext = part !== this.part && this.length > 0 && delta !== "";
    const text = isNext ? partBreak + delta : delta;
    this.part = delta === "" ? this.part : part;
    this.length += text.length;
    return text;
  }

  rest(parts: string[]): string {
    const rest = parts
      .filter((part) => part !== "")
      .join(partBreak)
      .slice(this.length);
    this.length += rest.length;
    return rest;
  }
}

function* spoken(kind: "text" | "reasoning", text: string): Generator<ProviderEvent> {
  if (text !== "") {
    yield { kind, text };
  }
}

function wordsOf(item: ResponseOutputItem): string {
  return item.type === "message"
    ? item.content.map((part) => (part.type === "refusal" ? part.refusal : part.text)).join("")
    : "";
}

function thoughtsOf(item: ResponseOutputItem): string[] {
  return item.type === "reasoning"
    ? [...(item.summary ?? []), ...(item.content ?? [])].map((part) => part.text)
    : [];
}

function isFiltered({ incomplete_details: details }: Response): boolean {
  return details?.reason === "content_filter";
}

function usageOf(usage: ResponseUsage): Usage {
  return {
    inputTokens: usage.input_tokens ?? 0,
    outputTokens: usage.output_tokens ?? 0,
    cacheReadTokens: usage.input_tokens_details?.cached_tokens ?? 0,
    cacheWriteTokens: usage.input_tokens_details?.cache_write_tokens ?? 0,
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens ?? 0,
  };
}

function failure(
  error: (Partial<Pick<ResponseError, "message">> & { code?: string | null }) | null,
): ProviderError {
  const message = error?.message || "The model's server failed and gave no reason.";
  return new ProviderError(kindOfFailure(undefined, error?.code ?? null), message);
}
