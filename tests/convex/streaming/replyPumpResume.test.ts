/** A pump that takes up a run whose provider goes on with the response of an earlier pump. */
import { expect, test, vi } from "vitest";
import { api } from "../../../convex/_generated/api.js";
import { ProviderError } from "../../../convex/providers/provider.ts";
import { bodyOf, reap, replyOf, rowsOf, withDemoModelsAndFakeTime } from "../../support/convexBackend.ts";
import { startPump } from "../../support/pumpFixture.ts";
import type { ScriptedProvider } from "../../support/scriptedProvider.ts";

withDemoModelsAndFakeTime();

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

const persistedText = "The first half, ";
const takeUp = async (from = 0, text = persistedText) =>
  await startPump({ attempt: 2, persistedText: text, response: { id: "resp_1", from } });

test("resumes the response and shows what is new of it at once: nothing is held back, nothing asked again", async () => {
  const { provider, events, ended, backend, chat } = await takeUp();
  provider.say("The first ", "half, and");
  await pass(50);
  expect(events.at(-1)).toEqual({ kind: "text", offset: persistedText.length, text: "and" });
  provider.say(" the second.");
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(provider.resumed).toEqual(["resp_1"]);
  expect(provider.requests).toEqual([]);
  expect(await bodyOf(backend, chat.streamId)).toEqual({
    text: "The first half, and the second.",
    status: "done",
  });
});

test("keeps apart what stood there before the response began", async () => {
  const { provider, ended, backend, chat } = await takeUp("The first ".length);
  provider.say("half, and the second.");
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect((await bodyOf(backend, chat.streamId)).text).toBe("The first half, and the second.");
});

const failures: [string, (provider: ScriptedProvider) => void][] = [
  ["knows no such response", (provider) => provider.fail(new ProviderError("invalidRequest", "Not found."))],
  [
    "lets it fail after a part that is known",
    (provider) => {
      provider.say("The first");
      provider.fail(new ProviderError("unknown", "It was cancelled."));
    },
  ],
  ["replays other words", (provider) => provider.say("The worst half")],
  [
    "replays less",
    (provider) => {
      provider.say("The first");
      provider.send({ kind: "finish", reason: "stop" });
    },
  ],
];

test.each(failures)("asks with a prompt to continue where the provider %s", async (_how, fail) => {
  const { provider, ended, backend, chat } = await takeUp();
  fail(provider);
  await pass(50);
  provider.say("and the second.");
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(provider.requests).toHaveLength(1);
  expect(provider.requests[0]?.turns.at(-2)).toEqual({ role: "assistant", text: persistedText });
  expect(await bodyOf(backend, chat.streamId)).toEqual({
    text: `${persistedText}and the second.`,
    status: "done",
  });
  // Whatever it is, nobody will read it.
  expect(provider.cancelled).toEqual(["resp_1"]);
});

test("resumes again after a failure that may pass, from the beginning of the replay", async () => {
  const { provider, ended, backend, chat } = await takeUp();
  provider.say("The first");
  provider.fail(new ProviderError("network", "The connection broke."));
  await pass(600);
  provider.say("The first half, and the second.");
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(provider.resumed).toEqual(["resp_1", "resp_1"]);
  expect(provider.requests).toEqual([]);
  expect((await bodyOf(backend, chat.streamId)).text).toBe("The first half, and the second.");
});

test("a response that failed at its provider is not resumed: another try asks anew, three times in all", async () => {
  const { provider, ended, backend, chat } = await startPump();
  for (const id of ["resp_1", "resp_2", "resp_3"]) {
    provider.send({ kind: "response", id });
    provider.send({ kind: "responseFailed" });
    provider.fail(new ProviderError("overloaded", "The server had an error."));
    await pass(3_000);
  }
  expect(provider.requests).toHaveLength(3);
  expect(provider.resumed).toEqual([]);
  expect(await ended).toBe("ended");
  expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "overloaded" } });
});

test("fails as any reply does once the response has brought something new", async () => {
  const { provider, ended, backend, chat } = await takeUp();
  provider.say("The first half, and");
  provider.fail(new ProviderError("invalidRequest", "It failed."));
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(provider.requests).toEqual([]);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "failed" });
  expect((await bodyOf(backend, chat.streamId)).text).toBe("The first half, and");
});

test("notes the response once, where the reply then ends, and another one in its place", async () => {
  const { provider, ended, backend } = await startPump({ attempt: 2, persistedText });
  provider.send({ kind: "response", id: "resp_2" });
  provider.send({ kind: "reasoning", text: "Hm." });
  provider.send({ kind: "response", id: "resp_2" });
  provider.say("and more");
  await pass(1_000);
  const at = { from: persistedText.length, reasoningFrom: 0 };
  expect(await rowsOf(backend, "runs")).toMatchObject([{ response: { id: "resp_2", ...at } }]);
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(provider.cancelled).toEqual([]);
});

test("a response that was replaced before it could be noted is not noted over the newer one", async () => {
  const { provider, network, ended, backend } = await startPump();
  network.fault = "down";
  provider.send({ kind: "response", id: "resp_1" });
  await pass(100);
  provider.send({ kind: "responseFailed" });
  provider.fail(new ProviderError("overloaded", "The server had an error."));
  await pass(800);
  network.fault = null;
  provider.send({ kind: "response", id: "resp_2" });
  await pass(100);
  expect(await rowsOf(backend, "runs")).toMatchObject([{ response: { id: "resp_2" } }]);
  await pass(2_000);
  expect(await rowsOf(backend, "runs")).toMatchObject([{ response: { id: "resp_2" } }]);
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
});

test("a stop cancels the response within a second, also one that is replayed", async () => {
  const { provider, ended, backend, chat } = await takeUp();
  provider.say("The first");
  await pass(100);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(provider.cancelled).toEqual(["resp_1"]);
  expect((await bodyOf(backend, chat.streamId)).text).toBe(persistedText);
});

test("a pump whose run was taken leaves the response to its successor", async () => {
  const { provider, network, ended, backend } = await takeUp();
  provider.say("The first half, and");
  await pass(500);
  network.fault = "down";
  await pass(15_000);
  network.fault = null;
  await reap(backend);
  expect(await ended).toBeInstanceOf(Error);
  expect(provider.signal?.aborted).toBe(true);
  expect(provider.cancelled).toEqual([]);
});
