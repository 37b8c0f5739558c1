import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { APIError, AuthenticationError, InternalServerError, RateLimitError } from "openai";
import { tokenise } from "../../demo/tokenise.ts";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { startModelServer, type ModelServer } from "../../demo/modelServer.ts";

let server: ModelServer;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  server = await startModelServer({ tokensPerSecond: 0, firstTokenMs: 0 });
  openai = new OpenAI({ apiKey: "any", baseURL: `${server.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: "any", baseURL: server.url, maxRetries: 0 });
});
afterAll(() => server.close());
beforeEach(async () => {
  await fetch(`${server.url}/control/requests`, { method: "DELETE" });
});

/** The reply to `content`; given what was `said` of it, the rest. */
async function* openaiTexts(content: string, said?: string): AsyncGenerator<string> {
  const continued = [
    { role: "assistant" as const, content: said ?? "" },
    { role: "user" as const, content: "Continue exactly where you broke off." },
  ];
  const stream = await openai.chat.completions.create({
    model: "demo",
    messages: [{ role: "user", content }, ...(said === undefined ? [] : continued)],
    stream: true,
  });
  for await (const chunk of stream) {
    yield chunk.choices[0]?.delta.content ?? "";
  }
}

/** The text up to the end or the failure, and the failure. */
async function readUntilFailure(texts: AsyncIterable<string>): Promise<{ text: string; failure: unknown }> {
  let text = "";
  try {
    for await (const piece of texts) {
      text += piece;
    }
  } catch (failure) {
    return { text, failure };
  }
  return { text, failure: null };
}

test("tokens sets the exact length, and the directive is not in the answer", async () => {
  const texts = await Array.fromAsync(openaiTexts("Tell me about rivers [demo tokens=400 rate=0]"));
  expect(texts.filter((text) => text !== "")).toHaveLength(400);
  expect(texts.join("")).not.toContain("[demo");
});

test("plain text is one paragraph without markup", async () => {
  const text = (await Array.fromAsync(openaiTexts("Tell me about rivers [demo tokens=300 text=plain]"))).join(
    "",
  );
  expect(text).not.toMatch(/[*#`\n|]/);
});

test("a cut reply has all tokens up to the cut and no end", async () => {
  const { text, failure } = await readUntilFailure(openaiTexts("Rivers [demo cutAfter=20]"));
  expect(failure).toBeInstanceOf(Error);
  expect(text).toBe(server.requests[0]?.sentText);
  expect(text.length).toBeGreaterThan(40);
  expect(server.requests[0]?.state).toBe("cut");
});

test("a mid-stream error arrives as the provider's own on both wires", async () => {
  const { text, failure } = await readUntilFailure(openaiTexts("Rivers [demo errorAfter=10]"));
  expect(text).toBe(server.requests[0]?.sentText);
  expect(failure).toBeInstanceOf(APIError);
  const message = anthropic.messages.stream({
    model: "demo",
    max_tokens: 100,
    messages: [{ role: "user", content: "Rivers [demo errorAfter=10]" }],
  });
  await expect(message.finalMessage()).rejects.toThrow("overloaded_error");
});

test.each([
  [401, AuthenticationError],
  [429, RateLimitError],
  [500, InternalServerError],
])("refuse=%i refuses before any token", async (status, errorClass) => {
  await expect(openaiTexts(`Rivers [demo refuse=${status}]`).next()).rejects.toBeInstanceOf(errorClass);
  expect(server.requests[0]?.state).toBe("refused");
});

test("refuse=context reads like a conversation that is too long", async () => {
  await expect(openaiTexts("Rivers [demo refuse=context]").next()).rejects.toMatchObject({
    status: 400,
    code: "context_length_exceeded",
  });
});

test("failTimes lets the next attempt at the same conversation succeed", async () => {
  const ask = "Rivers [demo refuse=500 failTimes=1]";
  await expect(openaiTexts(ask).next()).rejects.toThrow("had an error");
  expect((await Array.fromAsync(openaiTexts(ask))).join("")).toContain("ivers");
});

test("a stalled reply sends nothing more until its client goes", async () => {
  const stalled = new AbortController();
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer any" },
    body: JSON.stringify({
      model: "demo",
      stream: true,
      messages: [{ role: "user", content: "Hills [demo stallAfter=0]" }],
    }),
    signal: stalled.signal,
  });
  expect(response.status).toBe(200);
  stalled.abort();
  await vi.waitUntil(() => server.requests[0]?.state === "clientGone", { timeout: 30_000 });
  expect(server.requests[0]?.sentText).toBe("");
});

test("a reply on hold goes on when it is released", async () => {
  const texts = Array.fromAsync(openaiTexts("Rivers [demo holdAfter=8]"));
  await vi.waitUntil(() => server.requests[0]?.state === "onHold", { timeout: 30_000 });
  const held = server.requests[0]?.sentText ?? "";
  const released = await fetch(`${server.url}/control/release?id=${server.requests[0]?.id}`, {
    method: "POST",
  });
  expect(await released.json()).toEqual({ released: 1 });
  const text = (await texts).join("");
  expect(text.startsWith(held)).toBe(true);
  expect(text.length).toBeGreaterThan(held.length);
});

test("a reply that holds every few tokens waits as often as it has such steps before its end", async () => {
  const texts = Array.fromAsync(openaiTexts("Rivers [demo tokens=30 rate=0 holdEvery=10]"));
  for (const sentTokens of [10, 20]) {
    await vi.waitUntil(() => server.requests[0]?.state === "onHold", { timeout: 30_000 });
    expect(tokenise(server.requests[0]?.sentText ?? "")).toHaveLength(sentTokens);
    await fetch(`${server.url}/control/release`, { method: "POST" });
  }
  expect((await texts).join("")).toBe(server.requests[0]?.wholeText);
});

test("places to hold at are counted in the whole reply, so a continuation holds at those after it", async () => {
  const ask = "Rivers [demo tokens=30 rate=0 holdAt=0,20]";
  const releaseAt = async (sentTokens: number) => {
    await vi.waitUntil(() => server.requests.at(-1)?.state === "onHold", { timeout: 30_000 });
    expect(tokenise(server.requests.at(-1)?.sentText ?? "")).toHaveLength(sentTokens);
    await fetch(`${server.url}/control/release`, { method: "POST" });
  };
  const first = Array.fromAsync(openaiTexts(ask));
  await releaseAt(0);
  await releaseAt(20);
  const whole = (await first).join("");

  const said = tokenise(whole).slice(0, 12).join("");
  const rest = Array.fromAsync(openaiTexts(ask, said));
  await releaseAt(8);
  expect(said + (await rest).join("")).toBe(whole);
});

test("halves cut tokens inside pairs, and leave their number and the places to wait at as they are", async () => {
  const ask = "Rivers [demo tokens=40 rate=0 text=plain halves=1 holdAt=25]";
  const held = async () => {
    await vi.waitUntil(() => server.requests.at(-1)?.state === "onHold", { timeout: 30_000 });
    const { sentText = "", unsentTokens } = server.requests.at(-1) ?? {};
    await fetch(`${server.url}/control/release`, { method: "POST" });
    return { sentText, unsentTokens };
  };
  const first = Array.fromAsync(openaiTexts(ask));
  expect((await held()).unsentTokens).toBe(15);
  const pieces = (await first).filter((text) => text !== "");
  expect(pieces).toHaveLength(40);
  expect(pieces.filter((text) => !text.isWellFormed()).length).toBeGreaterThan(10);
  const whole = pieces.join("");
  expect(whole.isWellFormed()).toBe(true);

  const said = tokenise(whole).slice(0, 13).join("");
  const rest = Array.fromAsync(openaiTexts(ask, said));
  expect((await held()).unsentTokens).toBe(15);
  expect(said + (await rest).join("")).toBe(whole);
});

test("awkward chunks of one byte carry wide characters and joined emoji unharmed", async () => {
  const text = (await Array.fromAsync(openaiTexts("Rivers [demo unicode=1 chunk=1 tokens=60]"))).join("");
  expect(text).toBe(server.requests[0]?.wholeText);
  expect(text).toContain("日本語");
  expect(text).toContain("👩‍👩‍👧‍👦");
});

test.each(["length", "content_filter"] as const)("finish=%s is the finish reason", async (finish) => {
  const completion = await openai.chat.completions.create({
    model: "demo",
    messages: [{ role: "user", content: `Rivers [demo finish=${finish}]` }],
  });
  expect(completion.choices[0]?.finish_reason).toBe(finish);
});

test("the control endpoint tells what was asked and sent", async () => {
  await Array.fromAsync(openaiTexts("Rivers [demo tokens=3]"));
  const response = await fetch(`${server.url}/control/requests`);
  expect(await response.json()).toMatchObject([
    {
      wire: "openai",
      model: "demo",
      messages: [{ role: "user", text: "Rivers [demo tokens=3]" }],
      state: "finished",
      directives: { tokens: 3 },
    },
  ]);
});
