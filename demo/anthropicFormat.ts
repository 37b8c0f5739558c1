/** Anthropic Messages: https://docs.anthropic.com/en/api/messages */
import {
  contentText,
  optionalPositiveInteger,
  RefusedRequest,
  requireMessages,
  requireModel,
  requireObject,
  type ModelRequest,
} from "./conversation.ts";
import type { Directives } from "./directives.ts";
import type { ReplyEnd, ReplyIdentity, WireFormat } from "./wireFormat.ts";

export const anthropicFormat: WireFormat = {
  parse,
  requestIdHeader: "request-id",
  opening: (reply) =>
    [
      event({
        type: "message_start",
        message: {
          ...message(reply),
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: usage(reply, 1),
        },
      }),
      reply.thinks
        ? event({
            type: "content_block_start",
            index: 0,
            content_block: { type: "thinking", thinking: "", signature: "" },
          })
        : textStart(0),
      event({ type: "ping" }),
    ].join(""),
  thought: (_reply, thinking) =>
    event({ type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking } }),
  thoughtEnd: (reply) =>
    [
      event({
        type: "content_block_delta",
        index: 0,
        delta: { type: "signature_delta", signature: signature(reply) },
      }),
      event({ type: "content_block_stop", index: 0 }),
      textStart(1),
    ].join(""),
  token: (reply, text) =>
    event({
      type: "content_block_delta",
      index: textIndex(reply),
      delta: { type: "text_delta", text },
    }),
  ending: (reply, end) =>
    [
      event({ type: "content_block_stop", index: textIndex(reply) }),
      event({
        type: "message_delta",
        delta: { stop_reason: stopReasons[end.finish], stop_sequence: null },
        usage: usage(reply, end.outputTokens),
      }),
      event({ type: "message_stop" }),
    ].join(""),
  midStreamError: () => event({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
  whole: (reply, end) => ({
    ...message(reply),
    content: [
      ...(reply.thinks ? [{ type: "thinking", thinking: end.reasoning, signature: signature(reply) }] : []),
      { type: "text", text: end.text, citations: null },
    ],
    stop_reason: stopReasons[end.finish],
    stop_sequence: null,
    usage: usage(reply, end.outputTokens),
  }),
  errorBody: ({ status, message: text }, requestId) => ({
    type: "error",
    error: {
      type: errorTypes.get(status) ?? (status >= 500 ? "api_error" : "invalid_request_error"),
      message: text,
    },
    request_id: `req_${requestId}`,
  }),
};

function parse(body: unknown, models: readonly string[]): ModelRequest {
  const request = requireObject(body, "body");
  const model = requireModel(request, models);
  const maxTokens = optionalPositiveInteger(request["max_tokens"], "max_tokens");
  if (maxTokens === null) {
    throw new RefusedRequest(400, "max_tokens: Field required");
  }
  const turns = requireMessages(request).map((turn, index) => {
    const role = turn["role"];
    if (role !== "user" && role !== "assistant") {
      throw new RefusedRequest(400, `messages.${index}.role: Input should be 'user' or 'assistant'`);
    }
    const text = contentText(turn["content"], `messages.${index}.content`);
    if (text.trim() === "") {
      throw new RefusedRequest(
        400,
        `messages.${index}: text content blocks must contain non-whitespace text`,
      );
    }
    return { role, text } as const;
  });
  if (turns.at(-1)?.role === "assistant") {
    throw new RefusedRequest(
      400,
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  }
  const system = request["system"];
  return {
    wire: "anthropic",
    model,
    system: system === undefined || system === null ? "" : contentText(system, "system"),
    turns,
    stream: request["stream"] === true,
    isBackground: false,
    includeUsage: true,
    maxTokens,
  };
}

/** The text's place among the blocks: after the thoughts, if there are any. */
function textIndex({ thinks }: ReplyIdentity): number {
  return thinks ? 1 : 0;
}

function textStart(index: number): string {
  return event({ type: "content_block_start", index, content_block: { type: "text", text: "" } });
}

function signature({ requestId }: ReplyIdentity): string {
  return `demo-${requestId}`;
}

function event(data: { type: string; [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function message({ requestId, model }: ReplyIdentity) {
  return { id: `msg_${requestId}`, type: "message", role: "assistant", model };
}

function usage({ inputTokens }: ReplyIdentity, outputTokens: ReplyEnd["outputTokens"]) {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
    service_tier: "standard",
  };
}

const stopReasons: Record<Directives["finish"], string> = {
  stop: "end_turn",
  length: "max_tokens",
  content_filter: "refusal",
};

const errorTypes = new Map([
  [401, "authentication_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);
