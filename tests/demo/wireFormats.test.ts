import { connect } from "node:net";
import { text } from "node:stream/consumers";
import Anthropic, { AuthenticationError as AnthropicAuthenticationError } from "@anthropic-ai/sdk";
import OpenAI, { AuthenticationError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
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

const question = [{ role: "user" as const, content: "Tell me about lighthouses" }];

test("the OpenAI SDK reads a stream whose last chunk carries the usage", async () => {
  const stream = await openai.chat.completions.create({
    model: "demo",
    messages: question,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  expect(text).toContain("lighthouses");
  expect(text).toBe(server.requests.at(-1)?.wholeText);
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
  expect(chunks.at(-1)?.choices).toEqual([]);
  expect(chunks.at(-1)?.usage?.completion_tokens).toBe(chunks.length - 3);
  expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
});

test("without include_usage no chunk has a usage or empty choices", async () => {
  const stream = await openai.chat.completions.create({ model: "demo", messages: question, stream: true });
  for await (const chunk of stream) {
    expect(chunk.choices).toHaveLength(1);
    expect(chunk.usage).toBeUndefined();
  }
});

test("a request that does not stream gets the same text in one piece on both wires", async () => {
  const completion = await openai.chat.completions.create({ model: "demo", messages: question });
  const message = await anthropic.messages.create({
    model: "demo-anthropic",
    messages: question,
    max_tokens: 4000,
  });
  const text = completion.choices[0]?.message.content;
  expect(text).toContain("lighthouses");
  expect(message.content).toMatchObject([{ type: "text", text }]);
  expect(completion.usage?.completion_tokens).toBe(message.usage.output_tokens);
});

test("the Anthropic SDK assembles a streamed message with its usage and stop reason", async () => {
  const stream = anthropic.messages.stream({
    model: "demo-anthropic",
    system: "Be brief.",
    messages: question,
    max_tokens: 4000,
  });
  const kinds = new Set<string>();
  stream.on("streamEvent", (event) => kinds.add(event.type));
  const message = await stream.finalMessage();
  expect([...kinds]).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(message.stop_reason).toBe("end_turn");
  expect(message.content[0]).toMatchObject({ text: server.requests.at(-1)?.wholeText });
  expect(message.usage.output_tokens).toBeGreaterThan(50);
  expect(server.requests.at(-1)?.system).toBe("Be brief.");
});

test("a token limit ends the reply with the provider's own word for it", async () => {
  const completion = await openai.chat.completions.create({
    model: "demo",
    messages: question,
    max_completion_tokens: 5,
  });
  expect(completion.choices[0]?.finish_reason).toBe("length");
  expect(completion.usage?.completion_tokens).toBe(5);
  const message = await anthropic.messages.create({ model: "demo", messages: question, max_tokens: 5 });
  expect(message.stop_reason).toBe("max_tokens");
});

test("the models endpoint lists the demo models", async () => {
  const models = await Array.fromAsync(openai.models.list());
  expect(models.map((model) => model.id)).toEqual(["demo", "demo-anthropic"]);
});

test("a missing or wrong key is 401 on both wires", async () => {
  const keyless = await fetch(`${server.url}/v1/models`);
  expect(keyless.status).toBe(401);
  const badOpenai = new OpenAI({ apiKey: "invalid", baseURL: `${server.url}/v1`, maxRetries: 0 });
  await expect(
    badOpenai.chat.completions.create({ model: "demo", messages: question }),
  ).rejects.toBeInstanceOf(AuthenticationError);
  const badAnthropic = new Anthropic({ apiKey: "invalid", baseURL: server.url, maxRetries: 0 });
  await expect(
    badAnthropic.messages.create({ model: "demo", messages: question, max_tokens: 9 }),
  ).rejects.toBeInstanceOf(AnthropicAuthenticationError);
});

test("an unknown model is 404 and names the known ones", async () => {
  const failure = openai.chat.completions.create({ model: "gpt-9", messages: question });
  await expect(failure).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  await expect(failure).rejects.toThrow("demo, demo-anthropic");
});

test.each([
  ["no messages", { model: "demo", messages: [] }],
  ["an unknown role", { model: "demo", messages: [{ role: "robot", content: "hi" }] }],
  [
    "stream options without a stream",
    { model: "demo", messages: question, stream_options: { include_usage: true } },
  ],
  [
    "a directive that does not exist",
    { model: "demo", messages: [{ role: "user", content: "hi [demo colour=red]" }] },
  ],
])("%s is a 400 that says what is wrong", async (_name, body) => {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer any" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { type: "invalid_request_error", message: expect.any(String) },
  });
});

test("the Anthropic wire refuses a missing max_tokens and an assistant prefill", async () => {
  const post = (body: object) =>
    fetch(`${server.url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": "any" },
      body: JSON.stringify({ model: "demo", ...body }),
    });
  const withoutLimit = await post({ messages: question });
  expect(withoutLimit.status).toBe(400);
  expect(await withoutLimit.json()).toMatchObject({
    type: "error",
    error: { message: "max_tokens: Field required" },
  });
  const prefill = await post({
    max_tokens: 9,
    messages: [...question, { role: "assistant", content: "A light" }],
  });
  expect(prefill.status).toBe(400);
});

test("a request line that is no URL is a 400, and the server lives", async () => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.end("GET //[ HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n");
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  expect((await fetch(`${server.url}/control/requests`)).status).toBe(200);
});
