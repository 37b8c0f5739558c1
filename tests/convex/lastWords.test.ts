/** What the last call of a run carries: the end of the text and of the thoughts, in the transaction that ends or hands on. */
import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  fail,
  finish,
  pass,
  replyOf,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const taken = { data: { kind: "runTaken" } };
const outcome = { status: "complete" as const, finishReason: "stop" as const, usage: null, costUsd: null };

async function endWith(
  backend: Backend,
  last: { token: string; text: string; length?: number; reasoning?: { from: number; thoughts: Thought[] } },
) {
  await backend.mutation(internal.runs.finish, { ...outcome, ...last });
}

type Thought = { place: number; text: string };

test("finish writes what no flush has, for those who follow the tail too", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  await finish(backend, chat.token, "Half of it.");
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of it.", status: "done" });
  expect(await tailOf(backend, chat.streamId)).toMatchObject({ status: "complete", text: "Half of it." });
  await pass(backend, 11 * 60_000);
  expect((await bodyOf(backend, chat.streamId)).text).toBe("Half of it.");
});

test("of a reply that is too long to be given only the end is, from wherever it is certainly missing", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  await endWith(backend, { token: chat.token, text: "of it.", length: 11 });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of it.", status: "done" });
});

test("an action of an older version, which says how long the persisted text is, ends its run", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "All of it.");
  await endWith(backend, { token: chat.token, text: "", length: 10 });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "All of it.", status: "done" });
});

test("last words behind a gap end nothing, and nothing of them is written", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  const end = endWith(backend, { token: chat.token, text: "it.", length: 20 });
  await expect(end).rejects.toMatchObject({ data: { kind: "internal" } });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of ", status: "streaming" });
});

test("a flush that was under way comes to nothing behind the end, and is not written twice before it", async () => {
  const backend = createBackend();
  const [late, early] = [await runningChat(backend, "late"), await runningChat(backend, "early")];
  await finish(backend, "late", "All of it.");
  await expect(append(backend, "late", 0, "All of ")).rejects.toMatchObject(taken);
  await append(backend, "early", 0, "All of ");
  await finish(backend, "early", "All of it.");
  for (const { streamId } of [late, early]) {
    expect(await bodyOf(backend, streamId)).toEqual({ text: "All of it.", status: "done" });
  }
});

test("a reply that fails or is stopped keeps its last words as well", async () => {
  const backend = createBackend();
  const [broken, stopped] = [await runningChat(backend, "broken"), await runningChat(backend, "stopped")];
  await append(backend, "broken", 0, "Half of ");
  await fail(backend, "broken", "Half of a sent", { kind: "network", message: "It broke off." });
  expect(await bodyOf(backend, broken.streamId)).toEqual({ text: "Half of a sent", status: "error" });
  await backend.mutation(api.messages.stop, { messageId: stopped.messageId });
  await finish(backend, "stopped", "So far", "stopped");
  expect(await bodyOf(backend, stopped.streamId)).toEqual({ text: "So far", status: "done" });
});

test("last words that fill several streams are all there, then and when the streams are gone", async () => {
  const backend = createBackend();
  const { token, streamId } = await runningChat(backend);
  const text = "日本語の文。".repeat(20_000);
  await append(backend, token, 0, text.slice(0, 5_000));
  await finish(backend, token, text);
  expect((await bodyOf(backend, streamId)).text === text).toBe(true);
  await pass(backend, 11 * 60_000);
  await pass(backend, 1_000);
  expect(await rowsOf(backend, "runs")).toEqual([]);
  expect((await bodyOf(backend, streamId)).text === text).toBe(true);
});

test("the last thoughts come with the end; those that cannot be stored do not hold it up", async () => {
  const backend = createBackend();
  const [good, bad] = [await runningChat(backend, "good"), await runningChat(backend, "bad")];
  const thoughts = [{ place: 0, text: "Hm." }];
  await endWith(backend, { token: "good", text: "Yes.", reasoning: { from: 0, thoughts } });
  const shown = await backend.query(api.reasoning.get, { streamId: good.streamId });
  expect(shown?.thoughts).toEqual([{ place: 0, from: 0, text: "Hm." }]);
  expect(await replyOf(backend, good)).toMatchObject({ status: "complete", hasReasoning: true });
  const report = vi.spyOn(console, "error").mockReturnValue();
  await endWith(backend, { token: "bad", text: "Yes.", reasoning: { from: 99, thoughts } });
  expect(report).toHaveBeenCalledOnce();
  report.mockRestore();
  expect(await bodyOf(backend, bad.streamId)).toEqual({ text: "Yes.", status: "done" });
  expect(await backend.query(api.reasoning.get, { streamId: bad.streamId })).toBeNull();
});

test("a run is handed on with its last words, behind which the successor goes on", async () => {
  const backend = createBackend();
  const { token, streamId } = await runningChat(backend);
  await append(backend, token, 0, "Half of ");
  const reasoning = { from: 0, thoughts: [{ place: 5, text: "Hm." }] };
  const last = { token, from: 5, text: "of it ", reasoning };
  await backend.mutation(internal.runs.handOn, last);
  await backend.mutation(internal.runs.handOn, last);
  const run = await claim(backend, { streamId, token: "next", by: "server" });
  expect(run).toMatchObject({ persistedText: "Half of it ", reasoningLength: 3 });
});

test("a run that was to be stopped when it is handed on ends with its last words", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "So ");
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  await backend.mutation(internal.runs.handOn, { token: chat.token, from: 3, text: "far" });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "So far", status: "done" });
});
