import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openaiResponses } from "../../convex/providers/openaiResponses.ts";
import type { Provider } from "../../convex/providers/provider.ts";
import { collect, oneTurn } from "../support/providerEvents.ts";
import {
  completed,
  created,
  failed,
  incomplete,
  message,
  numbered,
  reasoningItem,
  refusalDelta,
  responseStream,
  summaryDelta,
  textDelta,
  usageEvent,
} from "../support/responseEvents.ts";
import type { WireEvent } from "../support/responseEvents.ts";
import { wireBody } from "../support/wireResponse.ts";
import type { Cutting } from "../support/wireResponse.ts";

const baseUrl = "https://models.example/v1";
const endpoint = `${baseUrl}/responses`;
let provider: Provider;
const server = setupServer();

beforeAll(() => {
  server.listen({ onUnhandledFrame: "error" });
  // The SDK takes the `fetch` of the moment it is made.
  provider = openaiResponses({ apiKey: "key-1", baseUrl });
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

function answer(events: WireEvent[], cutting: Cutting = "all at once") {
  const headers = { "Content-Type": "text/event-stream" };
  const body = responseStream(numbered(events));
  server.use(http.post(endpoint, () => new HttpResponse(wireBody(body, cutting), { headers })));
}

/** Bodies of the requests, which are answered in turn; the last answer is for all that follow. */
function answerInTurn(...answers: (() => Response)[]): unknown[] {
  const bodies: unknown[] = [];
  server.use(
    http.post(endpoint, async ({ request }) => {
      bodies.push(await request.json());
      return answers[Math.min(bodies.length, answers.length) - 1]!();
    }),
  );
  return bodies;
}

const whole = () => new HttpResponse(responseStream(numbered([created(), textDelta("Hi"), completed()])));

describe("a reply", () => {
  test.each(["byte by byte", "at random", "all at once"] as const)(
    "arrives whole when the wire cuts %s",
    async (cutting) => {
      answer([created(), textDelta("Grüße, "), textDelta("世界 😀"), completed()], cutting);
      const reply = await collect(provider);
      expect(reply.error).toBeNull();
      expect(reply.text).toBe("Grüße, 世界 😀");
      expect(reply.events.slice(-2)).toEqual([usageEvent, { kind: "finish", reason: "stop" }]);
    },
  );

  test("is asked for with the whole conversation, the key and a limit, and is not kept at the provider", async () => {
    let seen: { authorization: string | null; body: unknown } | null = null;
    server.use(
      http.post(endpoint, async ({ request }) => {
        seen = { authorization: request.headers.get("authorization"), body: await request.json() };
        return whole();
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
        input: [
          { role: "user", content: "One" },
          { role: "assistant", content: "Two" },
          { role: "user", content: "Three" },
        ],
        max_output_tokens: 500,
        store: false,
        stream: true,
      },
    });
  });

  test("is asked for without a limit where none is known", async () => {
    const bodies = answerInTurn(whole);
    await collect(provider, { ...oneTurn, maxOutputTokens: null });
    expect(bodies).toEqual([
      expect.not.objectContaining({ max_output_tokens: expect.anything() as unknown }),
    ]);
  });

  test("brings what the model thought, its parts apart, before the text", async () => {
    answer([
      created(),
      summaryDelta("Let me "),
      summaryDelta("think."),
      summaryDelta("Then ", 1),
      summaryDelta("again.", 1),
      textDelta("42", 1),
      completed(),
    ]);
    const reply = await collect(provider);
    expect(reply).toMatchObject({ reasoning: "Let me think.\n\nThen again.", text: "42" });
  });

  test("in two messages is one text with a paragraph between them", async () => {
    answer([
      created(),
      textDelta("First I "),
      textDelta("look.", 0),
      textDelta("Here it is.", 2),
      completed(),
    ]);
    expect((await collect(provider)).text).toBe("First I look.\n\nHere it is.");
  });

  test("whose last words come only with its end is whole", async () => {
    const output = [reasoningItem("Hm.", "So."), message("Half and ", "half"), message("More")];
    answer([created(), summaryDelta("Hm."), textDelta("Half", 1), completed({ output })]);
    const reply = await collect(provider);
    expect(reply).toMatchObject({ reasoning: "Hm.\n\nSo.", text: "Half and half\n\nMore" });
  });

  test.each([
    ["max_output_tokens", "length"],
    ["content_filter", "refused"],
  ])("that is incomplete by %s is finished as %s", async (wire, reason) => {
    answer([created(), textDelta("Hi"), incomplete(wire)]);
    const reply = await collect(provider);
    expect(reply.events.slice(-2)).toEqual([usageEvent, { kind: "finish", reason }]);
  });

  test("that is a refusal shows its text", async () => {
    answer([created(), refusalDelta("I will not."), completed()]);
    expect((await collect(provider)).text).toBe("I will not.");
  });

  test("that breaks off has no finish", async () => {
    answer([created(), textDelta("Half")]);
    const reply = await collect(provider);
    expect(reply).toMatchObject({ text: "Half", error: null });
    expect(reply.events.some((event) => event.kind === "finish")).toBe(false);
  });

  test("is not told as resumable while it ends with its connection", async () => {
    answer([created(), textDelta("Hi"), completed()]);
    expect((await collect(provider)).events.map(({ kind }) => kind)).not.toContain("response");
  });
});

describe("the model's thoughts", () => {
  test("are asked for of a model that thinks", async () => {
    const bodies = answerInTurn(whole);
    await collect(provider, { ...oneTurn, reasons: true });
    expect(bodies).toEqual([expect.objectContaining({ reasoning: { summary: "auto" } })]);
  });

  test("are done without where the organisation may not have them", async () => {
    const message = "Your organization must be verified to generate reasoning summaries.";
    const error = { message, param: "reasoning.summary", code: "unsupported_value" };
    const bodies = answerInTurn(() => HttpResponse.json({ error }, { status: 400 }), whole);
    const reply = await collect(provider, { ...oneTurn, reasons: true });
    expect(reply).toMatchObject({ text: "Hi", error: null });
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).not.toHaveProperty("reasoning");
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
      const bodies = answerInTurn(() => HttpResponse.json({ error }, { status }));
      const reply = await collect(provider);
      expect(reply.error).toMatchObject({ kind, message: error.message });
      expect(bodies).toHaveLength(1);
    },
  );

  test.each([404, 405])("with status %i of a server without responses names the remedy", async (status) => {
    answerInTurn(() => HttpResponse.json({ detail: "Not Found" }, { status }));
    const { error } = await collect(provider);
    expect(error?.kind).toBe("invalidRequest");
    expect(error?.message).toContain(baseUrl);
    expect(error?.message).toContain("OPENAI_COMPATIBLE_BASE_URL");
  });

  test.each([
    ["server_error", "overloaded"],
    ["rate_limit_exceeded", "rateLimit"],
    ["invalid_prompt", "refused"],
    ["something_new", "unknown"],
  ])("of the response by %s keeps what came before it, and is %s", async (code, kind) => {
    answer([created(), textDelta("Half"), failed(code, "It went wrong.")]);
    const reply = await collect(provider);
    expect(reply).toMatchObject({ text: "Half", error: { kind, message: "It went wrong." } });
  });

  test.each(["error", "response.error"])("that comes as an event named %s is told", async (name) => {
    const error = { type: "error", code: "rate_limit_exceeded", message: "Slow down", param: null };
    const body = `${responseStream([textDelta("Half")])}event: ${name}\ndata: ${JSON.stringify(error)}\n\n`;
    answerInTurn(() => new HttpResponse(body));
    const reply = await collect(provider);
    expect(reply).toMatchObject({ text: "Half", error: { kind: "rateLimit", message: "Slow down" } });
  });

  test("to connect at all is one of the network", async () => {
    server.use(http.post(endpoint, () => HttpResponse.error()));
    expect((await collect(provider)).error).toMatchObject({ kind: "network" });
  });

  test("of a server that sends no JSON is told", async () => {
    answerInTurn(() => new HttpResponse("data: <html>\n\n"));
    expect((await collect(provider)).error).toMatchObject({ kind: "unknown" });
  });
});

test("an abort ends the reply without an error and closes the request", async () => {
  const closed = Promise.withResolvers<void>();
  server.use(
    http.post(endpoint, ({ request }) => {
      request.signal.addEventListener("abort", () => closed.resolve());
      const body = wireBody(responseStream([textDelta("Hello")]), "all at once", "stay silent");
      return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
    }),
  );
  const abort = new AbortController();
  const events = provider.stream(oneTurn, abort.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ kind: "text", text: "Hello" });
  const next = events.next();
  abort.abort();
  expect(await next).toMatchObject({ done: true });
  await closed.promise;
});
