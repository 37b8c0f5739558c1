/**
 * OpenAI Responses: https://platform.openai.com/docs/api-reference/responses. Reasoning goes out as a summary, as OpenAI
 * sends it. Every event carries its number, which a client that lost its connection asks to go on after.
 */
import {
  contentText,
  optionalPositiveInteger,
  RefusedRequest,
  requireModel,
  requireObject,
  type ModelRequest,
} from "./conversation.ts";
import { openaiFormat } from "./openaiFormat.ts";
import type { ReplyEnd, ReplyIdentity, WireFormat } from "./wireFormat.ts";

type JsonObject = Record<string, unknown>;

/** A format for one response: its events are numbered from 0. */
export function responsesFormat(): WireFormat {
  let sequence = 0;
  const spoken = { text: "", thoughts: "" };
  const event = (type: string, fields: JsonObject) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: sequence++ })}\n\n`;
  const messageIndex = ({ thinks }: ReplyIdentity) => (thinks ? 1 : 0);
  const messageStart = (reply: ReplyIdentity) => {
    const at = { item_id: messageId(reply), output_index: messageIndex(reply) };
    return [
      event("response.output_item.added", {
        output_index: at.output_index,
        item: { ...message(reply, ""), content: [], status: "in_progress" },
      }),
      event("response.content_part.added", { ...at, content_index: 0, part: outputText("") }),
    ].join("");
  };
  const thoughtAt = (reply: ReplyIdentity) => ({
    item_id: reasoningId(reply),
    output_index: 0,
    summary_index: 0,
  });
  return {
    parse,
    requestIdHeader: openaiFormat.requestIdHeader,
    errorBody: (refused, requestId) => openaiFormat.errorBody(refused, requestId),
    opening: (reply) =>
      [
        event("response.created", { response: responseObject(reply, "in_progress") }),
        event("response.in_progress", { response: responseObject(reply, "in_progress") }),
        reply.thinks
          ? [
              event("response.output_item.added", { output_index: 0, item: reasoning(reply, null) }),
              event("response.reasoning_summary_part.added", { ...thoughtAt(reply), part: summaryText("") }),
            ].join("")
          : messageStart(reply),
      ].join(""),
    thought(reply, delta) {
      spoken.thoughts += delta;
      return event("response.reasoning_summary_text.delta", { ...thoughtAt(reply), delta });
    },
    thoughtEnd: (reply) =>
      [
        event("response.reasoning_summary_text.done", { ...thoughtAt(reply), text: spoken.thoughts }),
        event("response.output_item.done", { output_index: 0, item: reasoning(reply, spoken.thoughts) }),
        messageStart(reply),
      ].join(""),
    token(reply, delta) {
      spoken.text += delta;
      const at = { item_id: messageId(reply), output_index: messageIndex(reply), content_index: 0 };
      return event("response.output_text.delta", { ...at, delta, logprobs: [] });
    },
    ending(reply, end) {
      const at = { item_id: messageId(reply), output_index: messageIndex(reply), content_index: 0 };
      const response = wholeResponse(reply, end);
      return [
        event("response.output_text.done", { ...at, text: end.text, logprobs: [] }),
        event("response.output_item.done", { output_index: at.output_index, item: message(reply, end.text) }),
        event(`response.${response.status}`, { response }),
      ].join("");
    },
    midStreamError: (reply) => event("response.failed", { response: failedResponse(reply) }),
    whole: wholeResponse,
  };
}

function parse(body: unknown, models: readonly string[]): ModelRequest {
  const request = requireObject(body, "body");
  const model = requireModel(request, models);
  const messages = inputOf(request["input"]);
  const instructions = request["instructions"];
  const isBackground = request["background"] === true;
  if (isBackground && request["store"] === false) {
    throw new RefusedRequest(400, "background: a response in the background has to be stored");
  }
  return {
    wire: "responses",
    model,
    system: [
      ...(typeof instructions === "string" ? [instructions] : []),
      ...messages.filter(({ role }) => role === "system" || role === "developer").map(({ text }) => text),
    ].join("\n"),
    turns: messages.flatMap(({ role, text }) =>
      role === "user" || role === "assistant" ? [{ role, text }] : [],
    ),
    stream: request["stream"] === true,
    includeUsage: true,
    isBackground,
    maxTokens: optionalPositiveInteger(request["max_output_tokens"], "max_output_tokens"),
  };
}

function inputOf(input: unknown): { role: string; text: string }[] {
  if (typeof input === "string") {
    return [{ role: "user", text: input }];
  }
  if (!Array.isArray(input) || input.length === 0) {
    throw new RefusedRequest(400, "input: expected a string or a list with at least one message");
  }
  return input.map((item, index) => {
    const { role, content } = requireObject(item, `input.${index}`);
    if (typeof role !== "string" || !["system", "developer", "user", "assistant"].includes(role)) {
      throw new RefusedRequest(400, `input.${index}.role: '${String(role)}' is not a role`);
    }
    return { role, text: contentText(content, `input.${index}.content`) };
  });
}

/** The name of a response, by the request that asked for it. */
export function responseId(requestId: string): string {
  return `resp_${requestId}`;
}

export function responseObject(reply: ReplyIdentity, status: string) {
  return {
    id: responseId(reply.requestId),
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    model: reply.model,
    status,
    error: null as JsonObject | null,
    incomplete_details: null as JsonObject | null,
    output: [] as JsonObject[],
    usage: null as JsonObject | null,
    tools: [],
    metadata: {},
  };
}

export function failedResponse(reply: ReplyIdentity) {
  const message = "The server had an error while processing your request.";
  return { ...responseObject(reply, "failed"), error: { code: "server_error", message } };
}

function wholeResponse(reply: ReplyIdentity, end: ReplyEnd) {
  const reasons = { stop: null, length: "max_output_tokens", content_filter: "content_filter" };
  const reason = reasons[end.finish];
  const status = reason === null ? "completed" : "incomplete";
  return {
    ...responseObject(reply, status),
    incomplete_details: reason === null ? null : { reason },
    output: [...(reply.thinks ? [reasoning(reply, end.reasoning)] : []), message(reply, end.text)],
    usage: {
      input_tokens: reply.inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: end.outputTokens,
      output_tokens_details: { reasoning_tokens: end.reasoningTokens },
      total_tokens: reply.inputTokens + end.outputTokens,
    },
  };
}

function message(reply: ReplyIdentity, text: string): JsonObject {
  const status = "completed";
  return { id: messageId(reply), type: "message", role: "assistant", status, content: [outputText(text)] };
}

function reasoning(reply: ReplyIdentity, thoughts: string | null): JsonObject {
  const summary = thoughts === null ? [] : [summaryText(thoughts)];
  return { id: reasoningId(reply), type: "reasoning", summary };
}

function outputText(text: string): JsonObject {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function summaryText(text: string): JsonObject {
  return { type: "summary_text", text };
}

function messageId({ requestId }: ReplyIdentity): string {
  return `msg_${requestId}`;
}

function reasoningId({ requestId }: ReplyIdentity): string {
  return `rs_${requestId}`;
}
