/** Anthropic Messages. */
import Anthropic, { APIConnectionError, APIConnectionTimeoutError, APIError } from "@anthropic-ai/sdk";
import type { RawMessageStreamEvent, StopReason } from "@anthropic-ai/sdk/resources/messages";
import type { Endpoint } from "./modelChoice.ts";
import { ProviderError } from "./provider.ts";
import type { FinishReason, Provider, ProviderEvent, ProviderRequest, Usage } from "./provider.ts";
import { brokenOff, kindOfFailure, sentenceOf } from "./providerFailure.ts";

/** Anthropic requires a limit, and every model it offers today takes this one. */
const limitOfUnknownModel = 8_192;

export function anthropicMessages({ apiKey, baseUrl }: Omit<Endpoint, "wire">): Provider {
  // Retries are the pump's: it knows whether anything was shown yet, and keeps the run's lease meanwhile.
  const client = new Anthropic({
    apiKey,
    baseURL: baseUrl,
    maxRetries: 0,
    logLevel: "off",
    dangerouslyAllowBrowser: true,
  });
  return { stream: (request, signal) => streamMessage(client, request, signal) };
}

async function* streamMessage(
  client: Anthropic,
  request: ProviderRequest,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent> {
  const count = new UsageCount();
  try {
    const events = await client.messages.create(
      {
        model: request.model,
        max_tokens: request.maxOutputTokens ?? limitOfUnknownModel,
        messages: request.turns.map(({ role, text }) => ({ role, content: text })),
        stream: true,
      },
      { signal },
    );
    for await (const event of events) {
      yield* eventsOf(event, count);
    }
  } catch (error) {
    if (!signal.aborted) {
      throw asAnthropicFailure(error);
    }
  }
}

/** Usage comes in two parts: input with the start, output with each delta, cumulative. */
class UsageCount {
  private usage: Usage = {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  };

  /** Anthropic counts what was read from and written to the cache apart from the input. */
  add(part: {
    input_tokens?: number | null;
    output_tokens?: number | null;
    cache_read_input_tokens?: number | null;
    cache_creation_input_tokens?: number | null;
  }): ProviderEvent {
    const { usage } = this;
    const freshTokens =
      part.input_tokens ?? usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens;
    const cacheReadTokens = part.cache_read_input_tokens ?? usage.cacheReadTokens;
    const cacheWriteTokens = part.cache_creation_input_tokens ?? usage.cacheWriteTokens;
    this.usage = {
      ...usage,
      inputTokens: freshTokens + cacheReadTokens + cacheWriteTokens,
      outputTokens: part.output_tokens ?? usage.outputTokens,
      cacheReadTokens,
      cacheWriteTokens,
    };
    return { kind: "usage", usage: this.usage };
  }
}

function* eventsOf(event: RawMessageStreamEvent, count: UsageCount): Generator<ProviderEvent> {
  switch (event.type) {
    case "message_start":
      yield count.add(event.message.usage);
      return;
    case "content_block_delta":
      if (event.delta.type === "text_delta") {
        yield { kind: "text", text: event.delta.text };
      } else if (event.delta.type === "thinking_delta") {
        yield { kind: "reasoning", text: event.delta.thinking };
      }
      return;
    case "message_delta":
      yield count.add(event.usage);
      if (event.delta.stop_reason) {
        yield { kind: "finish", reason: finishReason(event.delta.stop_reason) };
      }
      return;
    default:
      // Block boundaries, the end of the message, and whatever is added to the protocol one day.
      return;
  }
}

function finishReason(reason: StopReason): FinishReason {
  switch (reason) {
    case "refusal":
      return "refused";
    case "max_tokens":
    case "model_context_window_exceeded":
    // The model paused a long turn; nothing here resumes it yet, and the reader sees that there was more to
    // come.
    case "pause_turn":
      return "length";
    default:
      return "stop";
  }
}

function asAnthropicFailure(error: unknown): ProviderError {
  if (error instanceof APIConnectionTimeoutError) {
    return new ProviderError("timeout", "The model did not answer in time.", { cause: error });
  }
  if (error instanceof APIConnectionError) {
    return new ProviderError("network", "The model's server could not be reached.", { cause: error });
  }
  if (error instanceof APIError) {
    const isTooLong = /prompt is too long|exceed context limit/i.test(error.message);
    const kind = isTooLong ? "contextTooLong" : kindOfFailure(error.status, error.type ?? null);
    return new ProviderError(kind, sentenceOf(error), { cause: error });
  }
  return brokenOff(error);
}
