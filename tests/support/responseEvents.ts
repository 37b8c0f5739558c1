/** Events of OpenAI Responses as they come over the wire, numbered in their order. */

export type WireEvent = Record<string, unknown> & { type: string };

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  output_tokens: 50,
  output_tokens_details: { reasoning_tokens: 30 },
  total_tokens: 150,
};

export const usageEvent = {
  kind: "usage",
  usage: {
    inputTokens: 100,
    outputTokens: 50,
    cacheReadTokens: 60,
    cacheWriteTokens: 10,
    reasoningTokens: 30,
  },
};

/** The response itself, as the first and last events carry it and as it can be retrieved. */
export function responseObject(fields: Record<string, unknown> = {}) {
  return { id: "resp_1", object: "response", status: "in_progress", output: [], error: null, ...fields };
}

export function created(): WireEvent {
  return { type: "response.created", response: responseObject() };
}

export function textDelta(delta: string, outputIndex = 0): WireEvent {
  return {
    type: "response.output_text.delta",
    item_id: `msg_${outputIndex}`,
    output_index: outputIndex,
    content_index: 0,
    delta,
    logprobs: [],
  };
}

export function refusalDelta(delta: string): WireEvent {
  return { ...textDelta(delta), type: "response.refusal.delta" };
}

export function summaryDelta(delta: string, summaryIndex = 0, outputIndex = 0): WireEvent {
  return {
    type: "response.reasoning_summary_text.delta",
    item_id: `rs_${outputIndex}`,
    output_index: outputIndex,
    summary_index: summaryIndex,
    delta,
  };
}

export function message(...texts: string[]) {
  const content = texts.map((text) => ({ type: "output_text", text, annotations: [] }));
  return { type: "message", id: "msg_0", role: "assistant", status: "completed", content };
}

export function reasoningItem(...summaries: string[]) {
  return {
    type: "reasoning",
    id: "rs_0",
    summary: summaries.map((text) => ({ type: "summary_text", text })),
  };
}

export function completed(fields: Record<string, unknown> = {}): WireEvent {
  return { type: "response.completed", response: responseObject({ status: "completed", usage, ...fields }) };
}

export function incomplete(reason: string): WireEvent {
  const response = responseObject({ status: "incomplete", incomplete_details: { reason }, usage });
  return { type: "response.incomplete", response };
}

export function failed(code: string, text: string): WireEvent {
  const response = responseObject({ status: "failed", error: { code, message: text } });
  return { type: "response.failed", response };
}

export function numbered(events: readonly WireEvent[]): WireEvent[] {
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

/** The body of a stream of events, each under its name. */
export function responseStream(events: readonly WireEvent[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}
