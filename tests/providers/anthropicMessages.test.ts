import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { anthropicMessages } from "../../convex/providers/anthropicMessages.ts";
import type { Provider } from "../../convex/providers/provider.ts";
import { collect, oneTurn } from "../support/providerEvents.ts";
import { eventStream, wireBody } from "../support/wireResponse.ts";
import type { Cutting } from "../support/wireResponse.ts";

const baseUrl = "https://models.example";
const endpoint = `${baseUrl}/v1/messages`;
let provider: Provider;
const server = setupServer();

beforeAll(() => {
  server.listen({ onUnhandledFrame: "error" });
  // The SDK takes the `fetch` of the moment it is made.
  provider = anthropicMessages({ apiKey: "key-1", baseUrl });
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const start = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [],
    model: "some-model",
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 20,
      cache_read_input_tokens: 70,
      cache_creation_input_tokens: 10,
      output_tokens: 1,
    },
  },
};

const blockStart = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
const blockStop = { type: "content_block_stop", index: 0 };
const stop = { type: "message_stop" };
const ping = { type: "ping" };

const text = (value: string) => ({
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: value },
});

const ending = (reason: string, outputTokens = 42) => ({
  type: "message_delta",
  delta: { stop_reason: reason, stop_sequence: null },
  usage: { output_tokens: outputTokens },
});

function answer(events: object[], cutting: Cutting = "all at once") {
  const headers = { "Content-Type": "text/event-stream" };
  const body = () => wireBody(eventStream(events, true), cutting);
  server.use(http.post(endpoint, () => new HttpResponse(body(), { headers })));
}

describe("a reply", () => {
  test.each(["byte by byte", "at random", "all at once"] as const)(
    "arrives whole when the wire cuts %s",
    async (cutting) => {
      answer(
        [
          start,
          ping,
          blockStart,
          text("Grüße, "),
          ping,
          text("世界 😀"),
          blockStop,
          ending("end_turn"),
          stop,
        ],
        cutting,
      );
      const reply = await collect(provider);
      expect(reply.error).toBeNull();
      expect(reply.text).toBe("Grüße, 世界 😀");
      expect(reply.events.slice(-2)).toEqual([
        {
          kind: "usage",
          usage: {
            inputTokens: 100,
            outputTokens: 42,
            cacheReadTokens: 70,
            cacheWriteTokens: 10,
            reasoningTokens: 0,
          },
        },
        { kind: "finish", reason: "stop" },
      ]);
    },
  );

  test("tells its input before the first word, so that a stopped reply can be billed", async () => {
    answer([start, blockStart, text("Hi")]);
    const [first] = (await collect(provider)).events;
    expect(first).toMatchObject({ kind: "usage", usage: { inputTokens: 100 } });
  });

  test("is asked for with the whole conversation, the key and a limit", async () => {
    let seen: unknown = null;
    server.use(
      http.post(endpoint, async ({ request }) => {
        const { headers } = request;
        seen = { key: headers.get("x-api-key") ?? headers.get("authorization"), body: await request.json() };
        return new HttpResponse(eventStream([start, ending("end_turn"), stop], true));
      }),
    );
    await collect(provider);
    expect(seen).toEqual({
      key: expect.stringContaining("key-1"),
      body: {
        model: "some-model",
        max_tokens: 500,
        messages: [{ role: "user", content: "Hello?" }],
        stream: true,
      },
    });
  });

  test("is asked for with a limit also where none is known: Anthropic requires one", async () => {
    let seen: unknown = null;
    server.use(
      http.post(endpoint, async ({ request }) => {
        seen = await request.json();
        return new HttpResponse(eventStream([start, ending("end_turn"), stop], true));
      }),
    );
    await collect(provider, { ...oneTurn, maxOutputTokens: null });
    expect(seen).toMatchObject({ max_tokens: expect.any(Number) });
  });

  test("brings the model's thoughts apart from its text", async () => {
    const thought = {
      type: "content_block_delta",
      index: 0,
      delta: { type: "thinking_delta", thinking: "Let me think." },
    };
    answer([start, thought, text("42"), ending("end_turn"), stop]);
    expect(await collect(provider)).toMatchObject({ reasoning: "Let me think.", text: "42" });
  });

  test.each([
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["pause_turn", "length"],
    ["refusal", "refused"],
    ["stop_sequence", "stop"],
  ])("that stops for %s is finished as %s", async (wire, reason) => {
    answer([start, text("Hi"), ending(wire), stop]);
    expect((await collect(provider)).events.at(-1)).toEqual({ kind: "finish", reason });
  });

  test("that breaks off has no finish", async () => {
    answer([start, blockStart, text("Half")]);
    const reply = await collect(provider);
    expect(reply).toMatchObject({ text: "Half", error: null });
    expect(reply.events.some((event) => event.kind === "finish")).toBe(false);
  });
});

describe("a failure", () => {
  test.each([
    [401, "authentication_error", "Wrong key", "auth"],
    [403, "permission_error", "Not for you", "auth"],
    [404, "not_found_error", "No such model", "invalidRequest"],
    [400, "invalid_request_error", "prompt is too long: 300000 tokens > 200000 maximum", "contextTooLong"],
    [400, "invalid_request_error", "Bad request", "invalidRequest"],
    [413, "request_too_large", "Too large", "contextTooLong"],
    [429, "rate_limit_error", "Slow down", "rateLimit"],
    [500, "api_error", "Oh dear", "overloaded"],
    [529, "overloaded_error", "Overloaded now", "overloaded"],
  ])(
    "with status %i (%s) is told by its kind, in the provider's words, after one request",
    async (status, type, message, kind) => {
      let requests = 0;
      server.use(
        http.post(endpoint, () => {
          requests += 1;
          return HttpResponse.json({ type: "error", error: { type, message } }, { status });
        }),
      );
      const reply = await collect(provider);
      expect(reply.error).toMatchObject({ kind, message });
      expect(requests).toBe(1);
    },
  );

  test.each([
    [529, '{"error":"Overloaded"}', "The model's server answered “Overloaded”."],
    [529, "Overloaded", "The model's server answered “Overloaded”."],
    [503, "", "The model's server answered with status 503 and gave no reason."],
  ])(
    "with status %i and the body %s is told in words, without the number the SDK puts before them",
    async (status, body, message) => {
      server.use(http.post(endpoint, () => new HttpResponse(body, { status })));
      expect((await collect(provider)).error?.message).toBe(message);
    },
  );

  test("in mid-stream keeps what came before it", async () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    answer([start, text("Half"), error], "at random");
    const reply = await collect(provider);
    expect(reply).toMatchObject({
      text: "Half",
      error: { kind: "overloaded", message: "The model's server answered “Overloaded”." },
    });
  });

  test("to connect at all is one of the network", async () => {
    server.use(http.post(endpoint, () => HttpResponse.error()));
    expect((await collect(provider)).error).toMatchObject({ kind: "network" });
  });
});

test("an abort ends the reply without an error and closes the request", async () => {
  let closed: () => void = () => {};
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  server.use(
    http.post(endpoint, ({ request }) => {
      request.signal.addEventListener("abort", () => closed());
      const body = wireBody(eventStream([start, text("Hello")], true), "all at once", "stay silent");
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
  );
  const abort = new AbortController();
  const events = provider.stream(oneTurn, abort.signal)[Symbol.asyncIterator]();
  await events.next();
  expect((await events.next()).value).toEqual({ kind: "text", text: "Hello" });
  const next = events.next();
  abort.abort();
  expect(await next).toMatchObject({ done: true });
  await isClosed;
});
