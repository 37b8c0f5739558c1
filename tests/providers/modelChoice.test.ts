import { expect, test } from "vitest";
import { catalogue } from "../../convex/providers/catalogue.ts";
import { offeredModels } from "../../convex/providers/modelChoice.ts";
import type { Environment } from "../../convex/providers/modelChoice.ts";

function offered(env: Environment, id: string) {
  return offeredModels(env).find((model) => model.id === id);
}

const key = { OPENAI_API_KEY: "key-1" };

test("every model of OpenAI's is spoken to as Responses, wherever OPENAI_BASE_URL points", () => {
  const ids = catalogue.filter(({ provider }) => provider === "openai").map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  for (const id of ids) {
    expect(offered(key, id)?.endpoint).toMatchObject({ wire: "openaiResponses", baseUrl: undefined });
    const proxied = offered({ ...key, OPENAI_BASE_URL: "https://proxy.example/v1" }, id);
    expect(proxied?.endpoint).toMatchObject({ wire: "openaiResponses", baseUrl: "https://proxy.example/v1" });
  }
});

test("a compatible server is spoken to as chat completions", () => {
  const env = { OPENAI_COMPATIBLE_BASE_URL: "http://localhost:11434/v1", OPENAI_COMPATIBLE_MODELS: "qwen3" };
  expect(offered(env, "qwen3")?.endpoint?.wire).toBe("openaiChat");
});

test.each([
  [undefined, false],
  ["", false],
  ["false", false],
  ["true", true],
])("with OPENAI_RESUMABLE=%s replies are resumable: %s", (value, isResumable) => {
  expect(offered({ ...key, OPENAI_RESUMABLE: value }, "gpt-4o")?.endpoint).toMatchObject({ isResumable });
});

test("a value of OPENAI_RESUMABLE that means nothing is named, not taken for no", () => {
  const model = offered({ ...key, OPENAI_RESUMABLE: "yes" }, "gpt-4o");
  expect(model?.endpoint).toBeNull();
  expect(model?.unavailableReason).toContain('OPENAI_RESUMABLE is "yes": set it to true or false');
});
