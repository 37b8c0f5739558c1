import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { anthropicMessages } from "../../convex/providers/anthropicMessages.ts";
import { openaiChat } from "../../convex/providers/openaiChat.ts";
import type { ProviderRequest } from "../../convex/providers/provider.ts";
import { startModelServer, type ModelServer } from "../../demo/modelServer.ts";
import { tokenise } from "../../demo/tokenise.ts";
import { collect } from "../support/providerEvents.ts";

let server: ModelServer;

beforeAll(async () => {
  server = await startModelServer({ tokensPerSecond: 0, firstTokenMs: 0 });
});
afterAll(() => server.close());

function asking(model: string, text: string): ProviderRequest {
  return { model, turns: [{ role: "user", text }], maxOutputTokens: 4_000 };
}

const wires = ["openai", "anthropic"] as const;
const providerOf = (wire: (typeof wires)[number]) =>
  wire === "openai"
    ? openaiChat({ apiKey: "any", baseUrl: `${server.url}/v1` })
    : anthropicMessages({ apiKey: "any", baseUrl: server.url });
const modelOf = (wire: (typeof wires)[number]) => (wire === "openai" ? "demo" : "demo-anthropic");

test("holdThought=N waits among the thoughts, also of a continuation", async () => {
  const ask = "About lighthouses [demo think=30 holdThought=12 tokens=20]";
  const continued = [
    { role: "assistant" as const, text: "Lighthouses" },
    { role: "user" as const, text: "Continue." },
  ];
  const first = asking("demo", ask);
  for (const request of [first, { ...first, turns: [...first.turns, ...continued] }]) {
    const replying = collect(providerOf("openai"), request);
    const isHeld = () => server.requests.at(-1)?.state === "onHold";
    await vi.waitUntil(isHeld, { timeout: 30_000 });
    expect(tokenise(server.requests.at(-1)?.sentReasoning ?? "")).toHaveLength(12);
    await fetch(`${server.url}/control/release`, { method: "POST" });
    expect(tokenise((await replying).reasoning)).toHaveLength(30);
  }
});

test.each(wires)("think=N sends N tokens of reasoning before the text, as the %s wire does", async (wire) => {
  const request = asking(modelOf(wire), "About lighthouses [demo think=30 tokens=20]");
  const reply = await collect(providerOf(wire), request);
  expect(reply.error).toBeNull();
  expect(tokenise(reply.reasoning)).toHaveLength(30);
  expect(tokenise(reply.text)).toHaveLength(20);
  const kinds = reply.events
    .map((event) => event.kind)
    .filter((kind) => kind === "text" || kind === "reasoning");
  expect(kinds.lastIndexOf("reasoning")).toBeLessThan(kinds.indexOf("text"));
  const usage = reply.events.findLast((event) => event.kind === "usage");
  expect(usage).toMatchObject({ usage: { outputTokens: 50 } });
  expect(server.requests.at(-1)).toMatchObject({ sentText: reply.text, sentReasoning: reply.reasoning });
});

test.each(wires)(
  "a model that thinks and is cut off before its first word sends only thoughts: %s",
  async (wire) => {
    const request = asking(modelOf(wire), "About lighthouses [demo think=5 cutAfter=0]");
    const reply = await collect(providerOf(wire), request);
    expect(reply.error?.kind).toBe("network");
    expect(tokenise(reply.reasoning)).toHaveLength(5);
    expect(reply.text).toBe("");
  },
);

test("the Anthropic SDK assembles a thinking block with its signature before the text", async () => {
  const anthropic = new Anthropic({ apiKey: "any", baseURL: server.url, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Hello [demo think=4 tokens=3]" }];
  const request = { model: "demo-anthropic", messages, max_tokens: 4_000 };
  const streamed = await anthropic.messages.stream(request).finalMessage();
  const whole = await anthropic.messages.create(request);
  expect(streamed.content.map((block) => block.type)).toEqual(["thinking", "text"]);
  expect(streamed.content[0]).toMatchObject({ signature: expect.stringContaining("demo-") as unknown });
  const thinking = (message: Anthropic.Message) =>
    message.content.find((block) => block.type === "thinking")?.thinking;
  expect(thinking(whole)).toBe(thinking(streamed));
});
