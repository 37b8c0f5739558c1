/**
 * OpenAI chat completions, and every server that speaks them: Ollama, vLLM, LM Studio, Gemini's compatible
 * endpoint.
 */
import type OpenAI from "openai";
import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { CompletionUsage } from "openai/resources/completions";
import type { Endpoint } from "./modelChoice.ts";
import { asOpenAIFailure, openaiClient } from "./openaiClient.ts";
import type { FinishReason, Provider, ProviderEvent, ProviderRequest, Usage } from "./provider.ts";

export function openaiChat(access: Pick<Endpoint, "apiKey" | "baseUrl">): Provider {
  const client = openaiClient(access);
  return { stream: (request, signal) => streamChat(client, request, signal) };
}

async function* streamChat(
  client: OpenAI,
  request: ProviderRequest,
  signal: AbortSignal,
): AsyncGenerator<ProviderEvent> {
  try {
    const chunks = await client.chat.completions.create(
      {
        model: request.model,
        messages: request.turns.map(({ role, text }) => ({ role, content: text })),
        // The name in use at OpenAI, which refuses the older one for newer models. Compatible servers, some of
        // which know only that one, get no limit.
        ...(request.maxOutputTokens === null ? {} : { max_completion_tokens: request.maxOutputTokens }),
        stream: true,
        stream_options: { include_usage: true },
      },
      { signal },
    );
    for await (const chunk of chunks) {
      yield* eventsOfChunk(chunk);
    }
  } catch (error) {
    if (!signal.aborted) {
      throw asOpenAIFailure(error);
    }
  }
}

/** Compatible servers name the model's thoughts in one of these ways; the SDK knows neither. */
interface ReasoningDelta {
  reasoning_content?: string | null;
  reasoning?: string | null;
}

function* eventsOfChunk(chunk: ChatCompletionChunk): Generator<ProviderEvent> {
  // The chunk with the usage has no choice, and some servers send others without.
  const choice = chunk.choices?.[0];
  if (choice) {
    const delta: ChatCompletionChunk.Choice.Delta & ReasoningDelta = choice.delta ?? {};
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (typeof reasoning === "string" && reasoning !== "") {
      yield { kind: "reasoning", text: reasoning };
    }
    const text = `${delta.content ?? ""}${delta.refusal ?? ""}`;
    if (text !== "") {
      yield { kind: "text", text };
    }
    if (choice.finish_reason) {
      yield { kind: "finish", reason: finishReason(choice.finish_reason) };
    }
  }
  if (chunk.usage) {
    yield { kind: "usage", usage: usageOf(chunk.usage) };
  }
}

function finishReason(reason: NonNullable<ChatCompletionChunk.Choice["finish_reason"]>): FinishReason {
  switch (reason) {
    case "length":
      return "length";
    case "content_filter":
      return "refused";
    default:
      // "stop", and whatever a compatible server says instead.
      return "stop";
  }
}

function usageOf(usage: CompletionUsage): Usage {
  return {
    inputTokens: usage.prompt_tokens ?? 0,
    outputTokens: usage.completion_tokens ?? 0,
    cacheReadTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    cacheWriteTokens: 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}
