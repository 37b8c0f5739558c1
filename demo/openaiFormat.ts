/**
 * OpenAI chat completions: https://platform.openai.com/docs/api-reference/chat. Reasoning goes out as `reasoning_content`,
 * which DeepSeek began and vLLM, LM Studio and others follow; OpenAI itself sends none here.
 */
import {
  contentText,
  optionalPositiveInteger,
  RefusedRequest,
  requireMessages,
  requireModel,
  requireObject,
  type ModelRequest,
} from "./conversation.ts";
import type { ReplyEnd, ReplyIdentity, WireFormat } from "./wireFormat.ts";

export const openaiFormat: WireFormat = {
  parse,
  requestIdHeader: "x-request-id",
  opening: (reply) => data(chunk(reply, [choice({ role: "assistant", content: "", refusal: null }, null)])),
  thought: (reply, text) => data(chunk(reply, [choice({ reasoning_content: text }, null)])),
  thoughtEnd: () => "",
  token: (reply, text) => data(chunk(reply, [choice({ content: text }, null)])),
  ending: (reply, end) =>
    [
      data(chunk(reply, [choice({}, end.finish)])),
      reply.includeUsage ? data({ ...chunk(reply, []), usage: usage(reply, end) }) : "",
      "data: [DONE]\n\n",
    ].join(""),
  midStreamError: () =>
    data({
      error: {
        message: "The server had an error while processing your request. Sorry about that!",
        type: "server_error",
        param: null,
        code: "server_error",
      },
    }),
  whole: (reply, end) => ({
    ...identity(reply, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: end.text,
          ...(reply.thinks ? { reasoning_content: end.reasoning } : {}),
          refusal: null,
          annotations: [],
        },
        logprobs: null,
        finish_reason: end.finish,
      },
    ],
    usage: usage(reply, end),
  }),
  errorBody: ({ status, message, code }) => ({
    error: { message, type: errorType(status), param: null, code: code ?? errorCode(status) },
  }),
};

function parse(body: unknown, models: readonly string[]): ModelRequest {
  const request = requireObject(body, "body");
  const model = requireModel(request, models);
  const messages = requireMessages(request).map((message, index) => {
    const role = message["role"];
    if (typeof role !== "string" || !["system", "developer", "user", "assistant", "tool"].includes(role)) {
      throw new RefusedRequest(400, `messages.${index}.role: '${String(role)}' is not a role`);
    }
    return { role, text: contentText(message["content"], `messages.${index}.content`) };
  });
  const streamOptions = request["stream_options"];
  if (streamOptions !== undefined && streamOptions !== null && request["stream"] !== true) {
    throw new RefusedRequest(400, "stream_options: only allowed when stream is true");
  }
  return {
    wire: "openai",
    model,
    system: messages
      .filter(({ role }) => role === "system" || role === "developer")
      .map(({ text }) => text)
      .join("\n"),
    turns: messages.flatMap(({ role, text }) =>
      role === "user" || role === "assistant" ? [{ role, text }] : [],
    ),
    stream: request["stream"] === true,
    isBackground: false,
    includeUsage: (streamOptions as { include_usage?: unknown } | undefined)?.include_usage === true,
    maxTokens:
      optionalPositiveInteger(request["max_completion_tokens"], "max_completion_tokens") ??
      optionalPositiveInteger(request["max_tokens"], "max_tokens"),
  };
}

function data(json: object): string {
  return `data: ${JSON.stringify(json)}\n\n`;
}

function identity({ requestId, model }: ReplyIdentity, object: string) {
  return {
    id: `chatcmpl-${requestId}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model,
    service_tier: "default",
    system_fingerprint: "fp_demo",
  };
}

function chunk(reply: ReplyIdentity, choices: object[]) {
  return {
    ...identity(reply, "chat.completion.chunk"),
    choices,
    ...(reply.includeUsage ? { usage: null } : {}),
  };
}

function choice(delta: object, finishReason: string | null) {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

function usage({ inputTokens }: ReplyIdentity, { outputTokens, reasoningTokens }: ReplyEnd) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function errorType(status: number): string {
  return status === 429 ? "requests" : status >= 500 ? "server_error" : "invalid_request_error";
}

function errorCode(status: number): string | null {
  return status === 401 ? "invalid_api_key" : status === 429 ? "rate_limit_exceeded" : null;
}
