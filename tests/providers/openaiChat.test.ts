import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openaiChat } from "../../convex/providers/openaiChat.ts";
import type { Provider } from "../../convex/providers/provider.ts";
import { collect, oneTurn } from "../support/providerEvents.ts";
import { eventStream, wireBody } from "../support/wireResponse.ts";
import type { Cutting } from "../support/wireResponse.ts";

const baseUrl = "https://models.example/v1";
const endpoint = `${baseUrl}/chat/completions`;
let provider: Provider;
const server = setupServer();

beforeAll(() => {
  server.listen({ onUnhandledFrame: "error" });
  // The SDK takes the `fetch` of the moment it is made.
  provider = openaiChat({ apiKey: "key-1", baseUrl });
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

function chunk(delta: object, finishReason: string | null = null) {
  return {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "some-model",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  };
}

const usageChunk = {
  ...chunk({}),
  choices: [],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 50,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 80 },
    completion_tokens_details: { reasoning_tokens: 30 },
  },
};

const done = "data: [DONE]\n\n";

function answer(events: (object | string)[], cutting: Cutting = "all at once") {
  const headers = { "Content-Type": "text/event-stream" };
  server.use(
    http.post(endpoint, () => new HttpResponse(wireBody(eventStream(events), cutting), { headers })),
  );
}

describe("a reply", () => {
  test.each(["byte by byte", "at random", "all at once"] as const)(
    "arrives whole when the wire cuts %s",
    async (cutting) => {
      answer(
        [
          chunk({ role: "assistant", content: "" }),
          chunk({ content: "Grüße, " }),
          chunk({ content: "世界 😀" }),
          chunk({}, "stop"),
          usageChunk,
          done,
        ],
        cutting,
      );
      const reply = await collect(provider);
      expect(reply.error).toBeNull();
      expect(reply.text).toBe("Grüße, 世界 😀");
      expect(reply.events.slice(-2)).toEqual([
        { kind: "finish", reason: "stop" },
        {
          kind: "usage",
          usage: {
            inputTokens: 100,
            outputTokens: 50,
            cacheReadTokens: 80,
            cacheWriteTokens: 0,
            reasoningTokens: 30,
          },
        },
      ]);
    },
  );

  test("is asked for with the whole conversation, the key, the usage and a limit", async () => {
    let seen: { authorization: string | null; body: unknown } | null = null;
    server.use(
      http.post(endpoint, async ({ request }) => {
        seen = { authorization: request.headers.get("authorization"), body: await request.json() };
        return new HttpResponse(eventStream([chunk({}, "stop"), done]));
      }),
    );
    const turns = [
      { role: "user" as const, text: "One" },
      { role: "assistant" as const, text: "Two" },
      { role: "user" as const, text: "Three" },
    ];
    await collect(provider, { ...oneTurn, turns });
    expect(seen).toEqual({
      authorization: "Bearer key-1",
      body: {
        model: "some-model",
        messages: [
          { role: "user", content: "One" },
          { role: "assistant", content: "Two" },
          { role: "user", content: "Three" },
        ],
        max_completion_tokens: 500,
        stream: true,
        stream_options: { include_usage: true },
      },
    });
  });

  test("is asked for without a limit where none is known: the server has its own", async () => {
    let seen: unknown = null;
    server.use(
      http.post(endpoint, async ({ request }) => {
        seen = await request.json();
        return new HttpResponse(eventStream([chunk({}, "stop"), done]));
      }),
    );
    await collect(provider, { ...oneTurn, maxOutputTokens: null });
    expect(Object.keys(seen ?? {})).toEqual(["model", "messages", "stream", "stream_options"]);
  });

  test("may come without usage, as from some compatible servers", async () => {
    answer([chunk({ content: "Hi" }), chunk({}, "stop"), done]);
    const reply = await collect(provider);
    expect(reply.events.map((event) => event.kind)).toEqual(["text", "finish"]);
  });

  test("brings the model's thoughts, under either name compatible servers use", async () => {
    answer([
      chunk({ reasoning_content: "Let me " }),
      chunk({ reasoning: "think." }),
      chunk({ content: "42" }),
      chunk({}, "stop"),
      done,
    ]);
    expect(await collect(provider)).toMatchObject({ reasoning: "Let me think.", text: "42" });
  });

  test.each([
    ["length", "length"],
    ["content_filter", "refused"],
    ["eos", "stop"],
  ])("that finishes with %s is finished as %s", async (wire, reason) => {
    answer([chunk({ content: "Hi" }), chunk({}, wire), done]);
    expect((await collect(provider)).events.at(-1)).toEqual({ kind: "finish", reason });
  });

  test("that is a refusal shows its text", async () => {
    answer([chunk({ refusal: "I will not." }), chunk({}, "stop"), done]);
    expect((await collect(provider)).text).toBe("I will not.");
  });

  test("that breaks off has no finish", async () => {
    answer([chunk({ content: "Half" })]);
    const reply = await collect(provider);
    expect(reply).toMatchObject({ text: "Half", error: null });
    expect(reply.events.some((event) => event.kind === "finish")).toBe(false);
  });
});

describe("a failure", () => {
  test.each([
    [401, { message: "Wrong key", type: "invalid_request_error", code: "invalid_api_key" }, "auth"],
    [403, { message: "Not for you" }, "auth"],
    [404, { message: "No such model", code: "model_not_found" }, "invalidRequest"],
    [400, { message: "Too long", code: "context_length_exceeded" }, "contextTooLong"],
    [400, { message: "Bad request" }, "invalidRequest"],
    [429, { message: "Slow down", type: "rate_limit_error" }, "rateLimit"],
    [500, { message: "Oh dear" }, "overloaded"],
    [503, { message: "Overloaded now" }, "overloaded"],
    [504, { message: "Too slow" }, "timeout"],
  ])(
    "with status %i is told by its kind, in the provider's words, after one request",
    async (status, error, kind) => {
      let requests = 0;
      server.use(
        http.post(endpoint, () => {
          requests += 1;
          return HttpResponse.json({ error }, { status });
        }),
      );
      const reply = await collect(provider);
      expect(reply.error).toMatchObject({ kind, message: error.message });
      expect(requests).toBe(1);
    },
  );

  test.each([
    [429, '{"error":"Slow down"}', "Slow down"],
    [429, "Slow down", "Slow down"],
    [502, "", "The model's server answered with status 502 and gave no reason."],
    [
      502,
      "<html><h1>Bad Gateway</h1></html>",
      "The model's server answered with status 502 and gave no reason.",
    ],
  ])(
    "with status %i and the body %s is told in words, without the number the SDK puts before them",
    async (status, body, message) => {
      server.use(http.post(endpoint, () => new HttpResponse(body, { status })));
      expect((await collect(provider)).error?.message).toBe(message);
    },
  );

  test("in mid-stream keeps what came before it", async () => {
    const error = { error: { message: "The server had an error", type: "server_error" } };
    answer([chunk({ content: "Half" }), error], "at random");
    const reply = await collect(provider);
    expect(reply).toMatchObject({
      text: "Half",
      error: { kind: "overloaded", message: "The server had an error" },
    });
  });

  test("to connect at all is one of the network", async () => {
    server.use(http.post(endpoint, () => HttpResponse.error()));
    expect((await collect(provider)).error).toMatchObject({ kind: "network" });
  });

  test("of a server that sends no JSON is told", async () => {
    answer(["data: <html>\n\n"]);
    expect((await collect(provider)).error).toMatchObject({ kind: "unknown" });
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
      const body = wireBody(eventStream([chunk({ content: "Hello" })]), "all at once", "stay silent");
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
  );
  const abort = new AbortController();
  const events = provider.stream(oneTurn, abort.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ kind: "text", text: "Hello" });
  const next = events.next();
  abort.abort();
  expect(await next).toMatchObject({ done: true });
  await isClosed;
});
