/** What a model provider is to the rest of the house: a prompt in, events out, errors with a kind. */
import type { ProviderErrorKind } from "../shared/errors.ts";
import { sentenceIn } from "./errorSentence.ts";

export interface ProviderRequest {
  /** The provider's own name of the model. */
  model: string;
  /** Oldest first, beginning and ending with the user's. */
  turns: { role: "user" | "assistant"; text: string }[];
  /** Null: not known, so the provider's own limit holds. */
  maxOutputTokens: number | null;
  /** The model thinks before it speaks, and may be asked to say what it thought; missing is no. */
  reasons?: boolean;
}

/**
 * Tokens. Input includes what was read from and written to the provider's cache, output includes reasoning.
 */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  reasoningTokens: number;
}

/** `length`: the limit of output or of the context was reached. `refused`: the model or a filter declined. */
export type FinishReason = "stop" | "length" | "refused";

export type ProviderEvent =
  /**
   * The provider works on this response by itself: whoever knows its id can resume it after this stream has ended. May
   * come again, as a sign of life.
   */
  | { kind: "response"; id: string }
  /** That response has failed or was cancelled: to resume it brings the same failure. An error follows. */
  | { kind: "responseFailed" }
  | { kind: "text"; text: string }
  | { kind: "reasoning"; text: string }
  /** Replaces an earlier count of the same reply. */
  | { kind: "usage"; usage: Usage }
  | { kind: "finish"; reason: FinishReason };

export interface Provider {
  /**
   * Produces one reply. The iteration throws a `ProviderError`, or ends early without `finish` when `signal`
   * was aborted, which also closes the connection. A `usage` event may follow `finish`, or never come.
   */
  stream(request: ProviderRequest, signal: AbortSignal): AsyncIterable<ProviderEvent>;
  /** All of a response from its beginning, and on from where it is; only for those that tell of responses. */
  resume?(responseId: string, signal: AbortSignal): AsyncIterable<ProviderEvent>;
  /** Ends a response that would go on. Again, or after its end, it changes nothing. Rejects with a `ProviderError`. */
  cancel?(responseId: string): Promise<void>;
}

export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;

  constructor(kind: ProviderErrorKind, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "ProviderError";
    this.kind = kind;
  }

  /**
   * Whether the same request may succeed a moment later: the fault lies in the load or on the way, not in the
   * request.
   */
  get isRetryable(): boolean {
    switch (this.kind) {
      case "rateLimit":
      case "overloaded":
      case "network":
      case "timeout":
        return true;
      case "auth":
      case "invalidRequest":
      case "contextTooLong":
      case "refused":
      case "unknown":
        return false;
      default:
        return this.kind satisfies never;
    }
  }
}

/** Any thrown value as a `ProviderError`; what nobody foresaw keeps its sentence, if it has one. */
export function asProviderError(thrown: unknown): ProviderError {
  if (thrown instanceof ProviderError) {
    return thrown;
  }
  const message = sentenceIn(thrown) ?? "The model's server failed and gave no reason.";
  return new ProviderError("unknown", message, { cause: thrown });
}
