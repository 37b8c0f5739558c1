/** How a pump ends its run: once the model has finished there is no moment at which the reply is whole and its run goes on. */
import { expect, test, vi } from "vitest";
import { api } from "../../../convex/_generated/api.js";
import { ProviderError } from "../../../convex/providers/provider.ts";
import { bodyOf, reap, replyOf, withDemoModelsAndFakeTime } from "../../support/convexBackend.ts";
import { startPump } from "../../support/pumpFixture.ts";

withDemoModelsAndFakeTime();

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

test("a pump that dies before its end is stored leaves no reply that is whole to a successor", async () => {
  const { backend, chat, provider, network, ended } = await startPump();
  provider.say("The beginning. ");
  await pass(1_000);
  network.fault = "refuses ends";
  provider.say("The middle. ", "The end.");
  provider.finish();
  await pass(30_000);
  expect(await ended).toMatchObject({ message: "The end was refused." });
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering" });
  expect((await bodyOf(backend, chat.streamId)).text).toBe("The beginning. The middle. ");
});

test("a model that has finished and keeps its connection open has two seconds to say what it used", async () => {
  const { backend, chat, provider, ended } = await startPump();
  provider.say("All of it.");
  provider.send({ kind: "finish", reason: "length" });
  await pass(1_000);
  expect((await bodyOf(backend, chat.streamId)).text).toBe("");
  await pass(2_000);
  expect(await ended).toBe("ended");
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "All of it.", status: "done" });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", finishReason: "length" });
});

test("a model that goes on after its finish had not finished: its words are persisted as they come", async () => {
  const { backend, chat, provider, ended } = await startPump();
  provider.say("Half of it. ");
  provider.send({ kind: "finish", reason: "stop" });
  provider.say("The other half, ".repeat(400));
  await pass(1_000);
  expect((await bodyOf(backend, chat.streamId)).text.length).toBeGreaterThan(4_000);
  provider.finish();
  await pass(1_000);
  expect(await ended).toBe("ended");
});

test("a stop that comes when the model has finished finds a reply that is complete", async () => {
  const { backend, chat, provider, ended } = await startPump();
  provider.say("All of it.");
  provider.send({ kind: "finish", reason: "stop" });
  await pass(100);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", finishReason: "stop" });
});

test("an error behind the last word changes nothing of it", async () => {
  const { backend, chat, provider, ended } = await startPump();
  provider.say("All of it.");
  provider.send({ kind: "finish", reason: "stop" });
  provider.fail(new ProviderError("overloaded", "Too many people."));
  await pass(1_000);
  expect(await ended).toBe("ended");
  expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", error: null });
});

test("thoughts that were not persisted yet do not delay the end: they come with it", async () => {
  const { backend, chat, provider, ended } = await startPump();
  provider.send({ kind: "reasoning", text: "Hm." });
  provider.say("Yes.");
  provider.finish();
  await pass(100);
  expect(await ended).toBe("ended");
  const reasoning = await backend.query(api.reasoning.get, { streamId: chat.streamId });
  expect(reasoning?.thoughts).toEqual([{ place: 0, from: 0, text: "Hm." }]);
});

test("a flush that hangs holds no end up: what it carried comes with the end", async () => {
  const { backend, chat, provider, network, ended } = await startPump();
  network.fault = "silent";
  provider.say("All of it. ");
  await pass(1_000);
  network.fault = null;
  provider.finish();
  await pass(100);
  expect(await ended).toBe("ended");
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "All of it. ", status: "done" });
});
