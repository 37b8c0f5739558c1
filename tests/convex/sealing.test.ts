import { expect, test, vi } from "vitest";
import { api, components, internal } from "../../convex/_generated/api.js";
import type { Doc } from "../../convex/_generated/dataModel.js";
import { byteLength } from "../../convex/model/textPieces.ts";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  pass,
  reap,
  replyOf,
  rowCounts,
  rowsOf,
  runningChat,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const outcome = { usage: null, costUsd: null };
const { getStreamText } = components.persistentTextStreaming.lib;

/** Emoji stand across every even offset, so that a cut by size meets one sooner or later. */
function longText(length: number): string {
  const pattern = "a😀語é the model writes on 😀";
  return pattern
    .repeat(Math.ceil(length / pattern.length))
    .slice(0, length)
    .toWellFormed();
}

/** Persists all of it as a pump would, which never splits a pair. */
async function persist(backend: Backend, token: string, text: string, flushLength = 4_001, begin = 0) {
  let from = begin;
  while (from < text.length) {
    const end = Math.min(text.length, from + flushLength);
    const isSplit = end < text.length && text.codePointAt(end - 1)! > 0xffff;
    const flush = text.slice(from, isSplit ? end + 1 : end);
    await append(backend, token, from, flush);
    from += flush.length;
  }
}

/** The scheduled functions are left where they are: what is under test is what happens without them. */
function skip(ms: number) {
  vi.setSystemTime(Date.now() + ms);
}

async function partsOf(backend: Backend, messageId: string) {
  const rows = await rowsOf(backend, "messageTexts");
  return rows.filter((row) => row.messageId === messageId);
}

async function isSealing(backend: Backend) {
  return (await rowsOf(backend, "seals")).some((seal) => seal.deadline !== null);
}

/** Whether every reader of an ended reply is given this text. */
async function readersHave(backend: Backend, chat: { messageId: string; streamId: string }, text: string) {
  const body = await bodyOf(backend, chat.streamId);
  const stored = await backend.query(api.messages.getText, { messageId: chat.messageId });
  return body.text === text && stored?.text === text;
}

async function expectGoodParts(backend: Backend, messageId: string) {
  const parts = await partsOf(backend, messageId);
  expect(parts.map(({ part }) => part)).toEqual(parts.map((_, index) => index));
  expect(parts.every(({ text }) => text.isWellFormed() && byteLength(text) <= 900_000)).toBe(true);
  return parts;
}

/** A reply whose pump wrote `text` and died: it is stopped, and the reaper ends it. */
async function stopDead(backend: Backend, chat: { token: string; messageId: string }, text: string) {
  await persist(backend, chat.token, text);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  skip(3_000);
  await reap(backend);
}

test("a dead reply of 200,000 characters shows its end at once, and its text is moved in a step of its own", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(200_000);
  await stopDead(backend, chat, text);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  expect(await partsOf(backend, chat.messageId)).toEqual([]);
  expect(await readersHave(backend, chat, text)).toBe(true);
  await pass(backend, 1);
  expect(await readersHave(backend, chat, text)).toBe(true);
  const parts = await expectGoodParts(backend, chat.messageId);
  expect(parts.map((part) => part.text).join("") === text).toBe(true);
});

test("the next turn's prompt holds a reply whose text is still being moved", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(100_000);
  await stopDead(backend, chat, text);
  const { chatId } = chat;
  const next = await backend.mutation(api.messages.send, { chatId, text: "On", clientRequestId: "on" });
  const { turns } = await claim(backend, { streamId: next.streamId, token: "next" });
  expect(turns.map((turn) => turn.role)).toEqual(["user", "assistant", "user"]);
  expect(turns[1]?.text === text).toBe(true);
});

test("a reply of three million characters is stored in parts while it grows, and is whole at every step", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(3_000_000);
  const half = longText(1_500_000);
  expect(text.startsWith(half)).toBe(true);
  await persist(backend, chat.token, half, 16_000);
  await pass(backend, 1);
  expect((await partsOf(backend, chat.messageId)).length).toBeGreaterThan(0);
  expect((await bodyOf(backend, chat.streamId)).text === half).toBe(true);
  expect(await backend.query(api.messages.getText, { messageId: chat.messageId })).toBeNull();
  await persist(backend, chat.token, text, 16_000, half.length);
  const { length } = text;
  const end = { token: chat.token, text: "", length, status: "complete" as const, finishReason: null };
  await backend.mutation(internal.runs.finish, { ...end, ...outcome });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "complete" });
  let steps = 0;
  while (await isSealing(backend)) {
    steps += 1;
    expect(await readersHave(backend, chat, text)).toBe(true);
    await pass(backend, 1);
  }
  expect(steps).toBeGreaterThan(2);
  expect(await readersHave(backend, chat, text)).toBe(true);
  const parts = await expectGoodParts(backend, chat.messageId);
  expect(parts.map((part) => part.text).join("") === text).toBe(true);
});

test("a step that was made twice stores nothing twice", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(100_000);
  await stopDead(backend, chat, text);
  const [run] = await rowsOf(backend, "runs");
  await backend.mutation(internal.runs.seal, { runId: run!._id });
  await backend.mutation(internal.runs.seal, { runId: run!._id });
  await pass(backend, 1);
  expect(await readersHave(backend, chat, text)).toBe(true);
});

test("the reaper goes on with steps whose schedule was lost", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(1_000_000);
  await persist(backend, chat.token, text, 10_000);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  skip(3_000);
  await reap(backend);
  for (let steps = 0; await isSealing(backend); steps++) {
    expect(steps).toBeLessThan(10);
    expect(await readersHave(backend, chat, text)).toBe(true);
    skip(60_000);
    await reap(backend);
  }
  const parts = await expectGoodParts(backend, chat.messageId);
  expect(parts.map((part) => part.text).join("") === text).toBe(true);
  expect(await readersHave(backend, chat, text)).toBe(true);
});

test("streams that are still the only place of their text are not removed", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(100_000);
  await stopDead(backend, chat, text);
  const [run] = await rowsOf(backend, "runs");
  await backend.mutation(internal.runs.removeLeftovers, { runId: run!._id });
  expect(await readersHave(backend, chat, text)).toBe(true);
  await pass(backend, 1);
  await pass(backend, 11 * 60_000);
  expect(await rowCounts(backend)).toMatchObject({ runs: 0, tails: 0, seals: 0, replyStreams: 1 });
  expect(await readersHave(backend, chat, text)).toBe(true);
});

test("a finished reply of which only the length is said is checked against what is persisted", async () => {
  const backend = createBackend();
  const { token } = await runningChat(backend);
  await append(backend, token, 0, "All of it.");
  const end = { token, text: "", status: "complete" as const, finishReason: null, ...outcome };
  const tooShort = backend.mutation(internal.runs.finish, { ...end, length: 3 });
  await expect(tooShort).rejects.toMatchObject({ data: { kind: "internal" } });
  await backend.mutation(internal.runs.finish, { ...end, length: 10 });
});

test("a long reply may fail with its length alone as well", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half a sent");
  const error = { kind: "overloaded" as const, message: "Busy." };
  await backend.mutation(internal.runs.fail, {
    token: chat.token,
    text: "",
    length: 11,
    error,
    ...outcome,
  });
  expect(await readersHave(backend, chat, "Half a sent")).toBe(true);
});

test("a reply that an older version stored, with streams that nobody marked, is read once", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Said once.");
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  skip(3_000);
  await reap(backend);
  await backend.run(async (ctx) => {
    const row = await ctx.db.query("replyStreams").first();
    await ctx.db.patch("replyStreams", row!._id, { isSealed: undefined });
  });
  expect(await readersHave(backend, chat, "Said once.")).toBe(true);
});

test("a chat that is deleted while a reply's text is being moved leaves nothing", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await persist(backend, chat.token, longText(1_000_000), 10_000);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  skip(3_000);
  await reap(backend);
  const streams = (await rowsOf(backend, "replyStreams")).map((row) => row.streamId);
  await backend.mutation(api.chats.deleteChat, { chatId: chat.chatId });
  await backend.finishAllScheduledFunctions(() => {
    vi.runAllTimers();
  });
  const counts = Object.entries(await rowCounts(backend)).filter(([, count]) => count > 0);
  expect(counts).toEqual([]);
  const reading = backend.run(async (ctx) => await ctx.runQuery(getStreamText, { streamId: streams[5]! }));
  await expect(reading).rejects.toThrow("Stream not found");
});

test("what can never be sealed is tried ten times, and then stays where it is, readable for good", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const text = longText(300_000);
  await stopDead(backend, chat, text);
  // Two rows where one is looked for make every step throw, and no reader.
  const [{ _id, _creationTime, ...seal }] = (await rowsOf(backend, "seals")) as [Doc<"seals">];
  const second = await backend.run(async (ctx) => await ctx.db.insert("seals", { ...seal, deadline: null }));
  const report = vi.spyOn(console, "error").mockReturnValue();
  const began = Date.now();
  for (let tries = 0; tries < 10; tries++) {
    const [first] = await rowsOf(backend, "seals");
    vi.setSystemTime(first!.deadline!);
    await reap(backend);
  }
  expect(Date.now() - began).toBeLessThan(24 * 3_600_000);
  expect(report).toHaveBeenCalledTimes(10);
  expect(String(report.mock.lastCall?.[0])).toContain("10 times in a row. Its streams keep it for good.");
  report.mockRestore();
  expect(await isSealing(backend)).toBe(false);
  await backend.run(async (ctx) => await ctx.db.delete("seals", second));
  await pass(backend, 11 * 60_000);
  await pass(backend, 60_000);
  expect(await rowCounts(backend)).toMatchObject({ runs: 0, tails: 0, seals: 0 });
  expect(await readersHave(backend, chat, text)).toBe(true);
});
