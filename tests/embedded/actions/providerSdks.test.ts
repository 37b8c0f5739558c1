import { afterEach, beforeEach, expect, test } from "vitest";
import { startModelServer, type ModelServer } from "../../../demo/modelServer.ts";
import { startActions, type ActionFixture } from "../../support/actionPoolFixture.ts";

let models: ModelServer;
let actions: ActionFixture | undefined;
beforeEach(async () => {
  models = await startModelServer({ tokensPerSecond: 2_000, firstTokenMs: 0 });
});
afterEach(async () => {
  await actions?.pool.close();
  await models.close();
});

/** Both SDKs in one bundle, as an app would push it; `handler` is the body of an action with `args`. */
async function runWithSdks(handler: string): Promise<unknown> {
  actions = await startActions(
    {
      "m.ts": `import OpenAI from "openai"; import Anthropic from "@anthropic-ai/sdk"; import { actionGeneric as action } from "convex/server";
        const openai = () => new OpenAI({ apiKey: "demo", baseURL: process.env.BASE_URL + "/v1" });
        const anthropic = () => new Anthropic({ apiKey: "demo", baseURL: process.env.BASE_URL });
        const messages = [{ role: "user" as const, content: "Hello" }];
        export const run = action({ handler: async () => { ${handler} } });`,
    },
    { env: { BASE_URL: models.url } },
  );
  const result = await actions.run("m.js:run");
  if (result.status === "error") throw new Error(result.message);
  return JSON.parse(result.valueJson);
}

test("openai streams a chat completion inside an action", async () => {
  const texts = await runWithSdks(`
    const stream = await openai().chat.completions.create({ model: "demo", messages, stream: true });
    const texts: string[] = [];
    for await (const chunk of stream) texts.push(chunk.choices[0]?.delta?.content ?? "");
    return texts.filter(Boolean);`);
  expect((texts as string[]).length).toBeGreaterThan(3);
});

test("@anthropic-ai/sdk streams a message inside an action", async () => {
  const texts = await runWithSdks(`
    const stream = await anthropic().messages.create({ model: "demo-anthropic", max_tokens: 500, messages, stream: true });
    const texts: string[] = [];
    for await (const event of stream) if (event.type === "content_block_delta" && event.delta.type === "text_delta") texts.push(event.delta.text);
    return texts;`);
  expect((texts as string[]).length).toBeGreaterThan(3);
});

test("aborting a stream reaches the provider and is told apart from an error", async () => {
  const outcome = await runWithSdks(`
    const controller = new AbortController();
    const stream = await openai().chat.completions.create({ model: "demo", messages, stream: true }, { signal: controller.signal });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 2) controller.abort();
    return { chunks, aborted: stream.controller.signal.aborted };`);
  expect(outcome).toEqual({ chunks: 2, aborted: true });
});

test("an SDK's own error classes hold inside an action", async () => {
  const outcome = await runWithSdks(`
    try { await openai().chat.completions.create({ model: "no such model", messages }, { maxRetries: 0 }); }
    catch (error) { return [error instanceof OpenAI.APIError, error instanceof Error, (error as { status: number }).status]; }
    return "no error"`);
  expect(outcome).toEqual([true, true, 404]);
});
