import OpenAI, { BadRequestError, NotFoundError } from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startModelServer, type ModelServer } from "../../demo/modelServer.ts";

let server: ModelServer;
let openai: OpenAI;

beforeAll(async () => {
  server = await startModelServer({ tokensPerSecond: 0, firstTokenMs: 0 });
  openai = new OpenAI({ apiKey: "any", baseURL: `${server.url}/v1`, maxRetries: 0 });
});
afterAll(() => server.close());

function ask(directives: string) {
  return { model: "demo", input: `Tell me about lighthouses [demo ${directives}]` };
}

const inBackground = { background: true, store: true, stream: true } as const;

function textIn(events: readonly ResponseStreamEvent[]): string {
  return events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");
}

test("the OpenAI SDK reads a response whose events are numbered and whose end has all of it", async () => {
  const events = await Array.fromAsync(
    await openai.responses.create({ ...ask("think=5 tokens=20"), stream: true }),
  );
  const [request] = server.requests.slice(-1);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  expect(textIn(events)).toBe(request?.wholeText);
  const last = events.at(-1);
  expect(last).toMatchObject({
    type: "response.completed",
    response: {
      status: "completed",
      usage: { output_tokens: 25, output_tokens_details: { reasoning_tokens: 5 } },
    },
  });
  const whole = await openai.responses.create(ask("think=5 tokens=20"));
  expect(whole.output_text).toBe(request?.wholeText);
  expect(whole.output).toMatchObject([
    { type: "reasoning", summary: [{ text: request?.sentReasoning }] },
    { type: "message" },
  ]);
});

test.each([
  ["finish=length", "max_output_tokens"],
  ["finish=content_filter", "content_filter"],
])("a response that ends with %s is incomplete", async (directive, reason) => {
  const response = await openai.responses.create(ask(`tokens=3 ${directive}`));
  expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason } });
});

test("a response in the background is replayed after any event, alike each time", async () => {
  const events = await Array.fromAsync(
    await openai.responses.create({ ...ask("tokens=10 unicode=1 chunk=3"), ...inBackground }),
  );
  const [first] = events;
  const id = first?.type === "response.created" ? first.response.id : "";
  const replay = async (query: { starting_after?: number }) =>
    await Array.fromAsync(await openai.responses.retrieve(id, { stream: true, ...query }));
  expect(await replay({})).toEqual(events);
  expect(await replay({ starting_after: 6 })).toEqual(events.slice(7));
  expect(server.requests.at(-1)?.resumedAfter).toEqual([null, 6]);
  expect((await openai.responses.retrieve(id)).output_text).toBe(textIn(events));
});

test("a response in the background goes on without a reader, until it is cancelled", async () => {
  const events = await openai.responses.create({ ...ask("tokens=30 holdAfter=10"), ...inBackground });
  let id = "";
  for await (const event of events) {
    id = event.type === "response.created" ? event.response.id : id;
    if (event.type === "response.output_text.delta") break;
  }
  expect(await openai.responses.retrieve(id)).toMatchObject({ status: "in_progress" });
  expect(await openai.responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
  expect(await openai.responses.cancel(id)).toMatchObject({ id, status: "cancelled" });
  expect(server.requests.at(-1)).toMatchObject({ state: "cancelled", unsentTokens: 20 });
});

test("what is not kept, or not known, cannot be asked for again", async () => {
  const response = await openai.responses.create({ ...ask("tokens=3"), store: false });
  await expect(openai.responses.retrieve(response.id)).rejects.toThrow(NotFoundError);
  await expect(openai.responses.cancel("resp_unknown")).rejects.toThrow(NotFoundError);
  const contradiction = { ...ask("tokens=3"), background: true, store: false };
  await expect(openai.responses.create(contradiction)).rejects.toThrow(BadRequestError);
});
