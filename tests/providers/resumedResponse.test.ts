/** Responses in the background, over real sockets: the demo server goes on without us, and the adapter finds it again. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openaiResponses } from "../../convex/providers/openaiResponses.ts";
import type { Provider, ProviderEvent } from "../../convex/providers/provider.ts";
import { startModelServer, type ModelServer } from "../../demo/modelServer.ts";
import { uniqueAsk } from "../support/demoRequests.ts";
import { collect } from "../support/providerEvents.ts";
import { created, numbered, responseObject, responseStream, textDelta } from "../support/responseEvents.ts";

let server: ModelServer;
let provider: Provider;

beforeAll(async () => {
  server = await startModelServer({ tokensPerSecond: 0, firstTokenMs: 0, models: ["gpt"] });
  provider = resumable(`${server.url}/v1`);
});
afterAll(() => server.close());

function resumable(baseUrl: string): Provider {
  return openaiResponses({ apiKey: "any", baseUrl, isResumable: true });
}

function asking(directives: string) {
  return {
    model: "gpt",
    turns: [{ role: "user" as const, text: uniqueAsk("tides", directives) }],
    maxOutputTokens: null,
  };
}

const never = new AbortController().signal;

/** The replay of a response, as `collect` reads a request. */
async function collectReplay(id: string, from = provider) {
  return await collect({ stream: (_request, signal) => from.resume!(id, signal) });
}

function idIn(events: readonly ProviderEvent[]): string {
  const event = events.find(({ kind }) => kind === "response");
  return event?.kind === "response" ? event.id : "";
}

/** Begins a reply and lets its connection go after the first text, as an action does that dies. */
async function beginAndLeave(directives: string) {
  const abort = new AbortController();
  const events: ProviderEvent[] = [];
  for await (const event of provider.stream(asking(directives), abort.signal)) {
    events.push(event);
    if (event.kind === "text") break;
  }
  abort.abort();
  return { id: idIn(events), request: server.requests.at(-1)! };
}

test("the id is told before the first word, and the provider keeps the response", async () => {
  const reply = await collect(provider, asking("tokens=5"));
  expect(reply.events[0]).toEqual({ kind: "response", id: `resp_${server.requests.at(-1)?.id}` });
  expect(reply.events.at(-1)).toEqual({ kind: "finish", reason: "stop" });
  expect(reply.text).toBe(server.requests.at(-1)?.wholeText);
});

test.each(["", "think=20", "unicode=1 halves=1 chunk=7"])(
  "a reply whose connection is cut is read on from there, without a second request: %s",
  async (more) => {
    const before = server.requests.length;
    const reply = await collect(provider, asking(`tokens=60 cutAfter=20 ${more}`));
    const [request, ...others] = server.requests.slice(before);
    expect(others).toEqual([]);
    expect(request?.resumedAfter).toEqual([expect.any(Number)]);
    expect(reply).toMatchObject({ error: null, text: request?.wholeText, reasoning: request?.sentReasoning });
    expect(reply.events.filter(({ kind }) => kind === "finish")).toHaveLength(1);
  },
);

test("a response whose reader is gone goes on, and is replayed from its beginning to its end", async () => {
  const { id, request } = await beginAndLeave("tokens=60 think=10 stallAfter=20");
  const replay = await collectReplay(id);
  expect(request.resumedAfter).toEqual([null]);
  expect(replay).toMatchObject({ error: null, text: request.wholeText, reasoning: request.sentReasoning });
  expect(replay.events.at(-1)).toEqual({ kind: "finish", reason: "stop" });
});

test("a response that is too old to be streamed is looked at until it has ended", async () => {
  const { id, request } = await beginAndLeave("tokens=60 think=10 holdAfter=20 replay=tooOld");
  const events: ProviderEvent[] = [];
  let text = "";
  for await (const event of provider.resume!(id, never)) {
    events.push(event);
    text += event.kind === "text" ? event.text : "";
    if (event.kind === "response") {
      await fetch(`${server.url}/control/release?id=${request.id}`, { method: "POST" });
    }
  }
  expect(events.map(({ kind }) => kind)).toEqual(["response", "reasoning", "text", "usage", "finish"]);
  expect(text).toBe(request.wholeText);
});

test("a reply that is cut when it is too old to be streamed brings the rest once", async () => {
  const reply = await collect(provider, asking("tokens=60 think=5 cutAfter=20 replay=tooOld"));
  const request = server.requests.at(-1);
  expect(reply).toMatchObject({ error: null, text: request?.wholeText, reasoning: request?.sentReasoning });
});

test("a response that the provider does not know is a failure that no retry can help", async () => {
  const { error } = await collectReplay("resp_unknown");
  expect(error).toMatchObject({ kind: "invalidRequest", isRetryable: false });
});

test("a response that failed meanwhile says so to whoever resumes it", async () => {
  const { id } = await beginAndLeave("tokens=60 stallAfter=20 errorAfter=30");
  const { error, events } = await collectReplay(id);
  expect(error).toMatchObject({ kind: "overloaded" });
  expect(events.at(-1)).toEqual({ kind: "responseFailed" });
});

test("a response that was cancelled is a failure, and cancelling it again changes nothing", async () => {
  const { id, request } = await beginAndLeave("tokens=60 holdAfter=20");
  await provider.cancel!(id);
  await provider.cancel!(id);
  expect(request.state).toBe("cancelled");
  expect((await collectReplay(id)).error).toMatchObject({ kind: "unknown", isRetryable: false });
});

test("one that is unknown cannot be cancelled, in words", async () => {
  await expect(provider.cancel!("resp_unknown")).rejects.toMatchObject({ kind: "invalidRequest" });
});

test("an abort while the connection is down ends the reply without an error", async () => {
  const abort = new AbortController();
  const cut = createServer((request, response) => {
    if (request.method === "GET") {
      abort.abort();
      response.destroy();
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.end(responseStream(numbered([created(), textDelta("Half")])));
  });
  await new Promise<void>((resolve) => cut.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(cut.address() as AddressInfo).port}`;
  const reply = await collect(resumable(url), asking("tokens=1"), abort.signal);
  cut.close();
  expect(reply).toMatchObject({ text: "Half", error: null });
});

test("a response whose streams end at once, with no event, is asked for every other second at most", async () => {
  vi.useFakeTimers();
  const abort = new AbortController();
  let asked = 0;
  vi.stubGlobal("fetch", async (url: string | URL, { method }: RequestInit) => {
    asked += 1;
    if (asked > 1_000) abort.abort();
    const isLook = method?.toUpperCase() === "GET" && !String(url).includes("stream=true");
    const events = asked === 1 ? [created()] : [];
    return isLook ? Response.json(responseObject()) : new Response(responseStream(numbered(events)));
  });
  const reading = collect(resumable("http://models.example"), asking("tokens=1"), abort.signal);
  await vi.advanceTimersByTimeAsync(120_000);
  abort.abort();
  await vi.advanceTimersByTimeAsync(0);
  vi.unstubAllGlobals();
  vi.useRealTimers();
  expect(await reading).toMatchObject({ text: "", error: null });
  // Each time a stream, and a look at the response.
  expect(asked).toBeLessThanOrEqual(120);
  expect(asked).toBeGreaterThan(50);
});
