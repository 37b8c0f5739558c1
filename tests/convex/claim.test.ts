import { describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import {
  append,
  claim,
  createBackend,
  createChat,
  fail,
  finish,
  pass,
  reap,
  replyOf,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const taken = { data: { kind: "runTaken" } };

test("a claim hands over the prompt and makes the reply run", async () => {
  const backend = createBackend();
  const chat = await createChat(backend, "What is a lease?");
  const run = await claim(backend, { streamId: chat.streamId, token: "mine" });
  expect(run).toEqual({
    attempt: 1,
    model: "demo",
    persistedText: "",
    persistedFrom: 0,
    reasoningLength: 0,
    turns: [{ role: "user", text: "What is a lease?" }],
    leaseMs: 15_000,
  });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "running", attempt: 1 });
  expect(await tailOf(backend, chat.streamId)).toEqual({ attempt: 1, from: 0, text: "", status: "running" });
});

test("a second claim is refused while the run lives", async () => {
  const backend = createBackend();
  const { streamId } = await runningChat(backend);
  await expect(claim(backend, { streamId, token: "other" })).rejects.toMatchObject(taken);
});

test("a claim whose answer was lost succeeds again with the same token", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Persisted.");
  const again = await claim(backend, { streamId, token });
  expect(again).toMatchObject({ attempt: 1, persistedText: "Persisted." });
});

test("a driver that repeats its request before a word was persisted gets the run, and its first pump loses it", async () => {
  const backend = createBackend();
  const { streamId } = await createChat(backend);
  await claim(backend, { streamId, token: "first", driverToken: "driver" });
  await claim(backend, { streamId, token: "second", driverToken: "driver" });
  await expect(append(backend, "first", 0, "Hello")).rejects.toMatchObject(taken);
  await append(backend, "second", 0, "Hello");
});

test("a driver that repeats its request after text was persisted is refused: its first pump goes on", async () => {
  const backend = createBackend();
  const { streamId } = await createChat(backend);
  await claim(backend, { streamId, token: "first", driverToken: "driver" });
  await append(backend, "first", 0, "Hello");
  await expect(claim(backend, { streamId, token: "second", driverToken: "driver" })).rejects.toMatchObject(
    taken,
  );
  await append(backend, "first", 5, " there");
});

test("a stream that does not exist cannot be claimed", async () => {
  const backend = createBackend();
  await expect(claim(backend, { streamId: "nothing", token: "mine" })).rejects.toMatchObject({
    data: { kind: "notFound" },
  });
});

test("a reply that has ended cannot be claimed, also when its run was removed", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Done.");
  await finish(backend, token, "Done.");
  await expect(claim(backend, { streamId, token: "late" })).rejects.toMatchObject(taken);
  await pass(backend, 11 * 60_000);
  expect(await rowsOf(backend, "runs")).toEqual([]);
  await expect(claim(backend, { streamId, token: "late" })).rejects.toMatchObject(taken);
});

test("the second turn's prompt carries the first turn with its reply", async () => {
  const backend = createBackend();
  const { chatId, token } = await runningChat(backend);
  await append(backend, token, 0, "Something.");
  await finish(backend, token, "Something.");
  const second = await backend.mutation(api.messages.send, {
    chatId,
    text: "And what else?",
    clientRequestId: "second",
  });
  const run = await claim(backend, { streamId: second.streamId, token: "token-2" });
  expect(run.turns).toEqual([
    { role: "user", text: "Say something." },
    { role: "assistant", text: "Something." },
    { role: "user", text: "And what else?" },
  ]);
});

test("a reply that failed before its first word is left out of the next prompt", async () => {
  const backend = createBackend();
  const { chatId, token } = await runningChat(backend);
  await fail(backend, token, "", { kind: "overloaded", message: "Busy." });
  const second = await backend.mutation(api.messages.send, {
    chatId,
    text: "Again?",
    clientRequestId: "second",
  });
  const run = await claim(backend, { streamId: second.streamId, token: "token-2" });
  expect(run.turns.map((turn) => turn.role)).toEqual(["user", "user"]);
});

test("a conversation that is longer than the model's window loses its oldest turns and begins with the user's", async () => {
  const backend = createBackend();
  const { chatId, token } = await runningChat(backend);
  const long = "x".repeat(150_000);
  await append(backend, token, 0, long);
  await finish(backend, token, long);
  const second = await backend.mutation(api.messages.send, {
    chatId,
    text: "y".repeat(100_000),
    clientRequestId: "second",
  });
  const run = await claim(backend, { streamId: second.streamId, token: "token-2" });
  expect(run.turns.map((turn) => turn.text[0])).toEqual(["y"]);
});

describe("a reply that is longer than any model's window", () => {
  const units = 600_000;
  const long = "word ".repeat(units / 5);

  async function deadAfter(text: string) {
    const backend = createBackend();
    const chat = await runningChat(backend, "dead");
    for (let from = 0; from < text.length; from += 100_000) {
      await append(backend, "dead", from, text.slice(from, from + 100_000));
    }
    await backend.finishAllScheduledFunctions(vi.runAllTicks);
    vi.setSystemTime(Date.now() + 15_000);
    await reap(backend);
    return { backend, ...chat };
  }

  test("is taken over with its end: the model gets what fits, behind the message that it answers", async () => {
    const { backend, streamId } = await deadAfter(long);
    const run = await claim(backend, { streamId, token: "successor" });
    expect(run.persistedFrom! + run.persistedText.length).toBe(units);
    expect(run.persistedText.length).toBe(500_000);
    expect(long.endsWith(run.persistedText)).toBe(true);
    const [message, broken, request] = run.turns;
    expect(message).toEqual({ role: "user", text: "Say something." });
    expect(broken?.text.length).toBe(96_000);
    expect(long.endsWith(broken!.text)).toBe(true);
    expect(request?.role).toBe("user");
  });

  test("is not cut through a character", async () => {
    const { backend, streamId } = await deadAfter(`${"😀".repeat(units / 2)}.`);
    const run = await claim(backend, { streamId, token: "successor" });
    expect(run.persistedText.isWellFormed()).toBe(true);
    expect(run.turns[1]?.text.isWellFormed()).toBe(true);
    expect(run.persistedFrom! + run.persistedText.length).toBe(units + 1);
  });

  test("does not keep the chat's next message from its model", async () => {
    const backend = createBackend();
    const { chatId, token } = await runningChat(backend);
    await append(backend, token, 0, long);
    await finish(backend, token, long);
    const next = await backend.mutation(api.messages.send, {
      chatId,
      text: "Shorter, please.",
      clientRequestId: "next",
    });
    const run = await claim(backend, { streamId: next.streamId, token: "next" });
    expect(run.turns).toEqual([{ role: "user", text: "Shorter, please." }]);
  });
});
