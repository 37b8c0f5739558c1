import { describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  claim,
  createBackend,
  finish,
  reap,
  replyOf,
  rowsOf,
  runningChat,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

type Thoughts = { place: number; text: string }[];

async function think(backend: Backend, token: string, from: number, thoughts: Thoughts) {
  await backend.mutation(internal.reasoning.append, { token, from, thoughts });
}

async function reasoningOf(backend: Backend, streamId: string) {
  return await backend.query(api.reasoning.get, { streamId });
}

describe("reasoning that is appended", () => {
  test("is read in order with the places in the text where the thoughts stand", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    await think(backend, token, 0, [{ place: 0, text: "Let me " }]);
    await think(backend, token, 7, [
      { place: 0, text: "think." },
      { place: 12, text: "And now?" },
    ]);
    expect(await reasoningOf(backend, streamId)).toEqual({
      thoughts: [
        { place: 0, from: 0, text: "Let me think." },
        { place: 12, from: 13, text: "And now?" },
      ],
      next: { part: 1, from: 13 },
      isTruncated: false,
    });
  });

  test("is followed from the last row that was read, which is all that may have changed", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    const full = "x".repeat(8_000);
    await think(backend, token, 0, [{ place: 0, text: `${full}And ` }]);
    const { next } = (await reasoningOf(backend, streamId))!;
    expect(next).toEqual({ part: 1, from: 8_000 });
    await think(backend, token, 8_004, [
      { place: 0, text: "then?" },
      { place: 4, text: "Done." },
    ]);
    const from = async (fromPart: number) => await backend.query(api.reasoning.get, { streamId, fromPart });
    expect(await from(next.part)).toEqual({
      thoughts: [
        { place: 0, from: 8_000, text: "And then?" },
        { place: 4, from: 8_009, text: "Done." },
      ],
      next: { part: 2, from: 8_009 },
      isTruncated: false,
    });
    expect(await from(3)).toBeNull();
  });

  test("again, and longer, adds only what is new", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    const first = [{ place: 0, text: "One. " }];
    await think(backend, token, 0, first);
    await think(backend, token, 0, first);
    await think(backend, token, 0, [
      { place: 0, text: "One. Two." },
      { place: 3, text: "Three." },
    ]);
    await think(backend, token, 5, [{ place: 0, text: "Two." }]);
    const reasoning = await reasoningOf(backend, streamId);
    expect(reasoning?.thoughts.map(({ text }) => text)).toEqual(["One. Two.", "Three."]);
  });

  test("beyond what is persisted is refused", async () => {
    const backend = createBackend();
    const { token } = await runningChat(backend);
    await expect(think(backend, token, 1, [{ place: 0, text: "x" }])).rejects.toMatchObject({
      data: { kind: "internal" },
    });
  });

  test("with a token that is not the run's own is refused", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    await expect(think(backend, "other", 0, [{ place: 0, text: "x" }])).rejects.toMatchObject({
      data: { kind: "runTaken" },
    });
    await finish(backend, token, "");
    await expect(think(backend, token, 0, [{ place: 0, text: "x" }])).rejects.toMatchObject({
      data: { kind: "runTaken" },
    });
    expect(await reasoningOf(backend, streamId)).toBeNull();
  });

  test("at length goes into rows of bounded size that split no character", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    const text = `a${"😀".repeat(9_000)}`;
    await think(backend, token, 0, [{ place: 0, text }]);
    await think(backend, token, text.length, [{ place: 0, text: "b" }]);
    const rows = await rowsOf(backend, "reasonings");
    expect(rows.map((row) => row.part)).toEqual([0, 1, 2]);
    expect(rows.every((row) => row.text.length <= 8_000 && row.text.isWellFormed())).toBe(true);
    expect((await reasoningOf(backend, streamId))?.thoughts).toEqual([
      { place: 0, from: 0, text: `${text}b` },
    ]);
  });

  test("beyond what one query may read is left to the next one, and the answer says so", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    const thoughts = Array.from({ length: 101 }, (_, place) => ({ place, text: "x" }));
    await think(backend, token, 0, thoughts.slice(0, 100));
    expect(await reasoningOf(backend, streamId)).toMatchObject({ isTruncated: false });
    await think(backend, token, 100, thoughts.slice(100));
    const reasoning = await reasoningOf(backend, streamId);
    expect(reasoning?.isTruncated).toBe(true);
    expect(reasoning?.thoughts).toHaveLength(100);
    const rest = await backend.query(api.reasoning.get, { streamId, fromPart: reasoning!.next.part });
    expect(rest?.thoughts.map(({ place }) => place)).toEqual([99, 100]);
    expect(rest?.isTruncated).toBe(false);
  });
});

test("the list of messages tells which replies have reasoning, also after their end", async () => {
  const backend = createBackend();
  const { chatId, messageId, token } = await runningChat(backend);
  expect((await replyOf(backend, { chatId, messageId }))?.hasReasoning).toBeUndefined();
  await think(backend, token, 0, [{ place: 0, text: "Hm." }]);
  expect((await replyOf(backend, { chatId, messageId }))?.hasReasoning).toBe(true);
  await finish(backend, token, "");
  expect((await replyOf(backend, { chatId, messageId }))?.hasReasoning).toBe(true);
});

test("the claim of a take-over says how much reasoning there is to go on after", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Text.");
  await think(backend, token, 0, [{ place: 0, text: "Five!" }]);
  vi.setSystemTime(Date.now() + 15_000);
  await reap(backend);
  const run = await claim(backend, { streamId, token: "successor", by: "server" });
  expect(run.reasoningLength).toBe(5);
  await think(backend, "successor", 5, [{ place: 5, text: "Six." }]);
  expect((await reasoningOf(backend, streamId))?.thoughts.map(({ from }) => from)).toEqual([0, 5]);
});

test("a deleted chat shows no reasoning, and keeps none", async () => {
  const backend = createBackend();
  const { chatId, streamId, token } = await runningChat(backend);
  const thoughts = Array.from({ length: 250 }, (_, place) => ({ place, text: "x" }));
  await think(backend, token, 0, thoughts);
  await backend.mutation(api.chats.deleteChat, { chatId });
  expect(await reasoningOf(backend, streamId)).toBeNull();
  await backend.finishAllScheduledFunctions(() => {
    vi.runAllTimers();
  });
  expect(await rowsOf(backend, "reasonings")).toEqual([]);
});
