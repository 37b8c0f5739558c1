import { beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import { maxConcurrentRuns } from "../../convex/model/runPlaces.ts";
import {
  append,
  claim,
  createBackend,
  createChat,
  finish,
  reap,
  replyOf,
  rowsOf,
  runningChat,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const full = { data: { kind: "tooManyRequests", retryAfterMs: 5_000 } };

/** The scheduled functions are left where they are: the tests make their calls themselves. */
function skip(ms: number) {
  vi.setSystemTime(Date.now() + ms);
}

async function leaveToServer(backend: Backend, { messageId }: { messageId: string }) {
  await backend.mutation(api.messages.leaveToServer, { messageId });
}

/** The stream ids in the queue by state, in its order. */
async function queueOf(backend: Backend) {
  const runs = await rowsOf(backend, "runs");
  const rows = await rowsOf(backend, "serverQueue");
  const streams = (state: string) =>
    rows
      .filter((row) => row.state === state)
      .map((row) => runs.find((run) => run._id === row.runId)?.streamId);
  return { started: streams("started"), waiting: streams("waiting") };
}

describe("MAX_CONCURRENT_RUNS", () => {
  test("is 48 where nothing is set", () => {
    expect(maxConcurrentRuns({})).toBe(48);
    expect(maxConcurrentRuns({ MAX_CONCURRENT_RUNS: " " })).toBe(48);
  });

  test("is what is set", () => {
    expect(maxConcurrentRuns({ MAX_CONCURRENT_RUNS: " 7 " })).toBe(7);
    expect(maxConcurrentRuns({ MAX_CONCURRENT_RUNS: "512" })).toBe(512);
  });

  test.each(["0", "513", "-1", "1.5", "1e2", "many"])('cannot be "%s", and the error says why', (value) => {
    expect(() => maxConcurrentRuns({ MAX_CONCURRENT_RUNS: value })).toThrow(
      new RegExp(`is ${value}, which is not a whole number from 1 to 512\\. Set it in \\.env\\.local`),
    );
  });

  test("that cannot be read refuses a message before anything of it is written", async () => {
    const backend = createBackend();
    vi.stubEnv("MAX_CONCURRENT_RUNS", "lots");
    await expect(createChat(backend)).rejects.toMatchObject({ data: { kind: "internal" } });
    expect(await rowsOf(backend, "messages")).toEqual([]);
  });

  test("that cannot be read any more keeps no reply from its end", async () => {
    const backend = createBackend();
    const chat = await runningChat(backend);
    const waiting = await createChat(backend);
    await leaveToServer(backend, waiting);
    vi.stubEnv("MAX_CONCURRENT_RUNS", "lots");
    const report = vi.spyOn(console, "error").mockReturnValue();
    await finish(backend, chat.token, "");
    report.mockRestore();
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete" });
  });
});

describe("with two places", () => {
  beforeEach(() => {
    vi.stubEnv("MAX_CONCURRENT_RUNS", "2");
  });

  test("a third driver is turned away, and the reply says that it waits for its turn", async () => {
    const backend = createBackend();
    await runningChat(backend, "first");
    await runningChat(backend, "second");
    const third = await createChat(backend);
    await expect(claim(backend, { streamId: third.streamId, token: "third" })).rejects.toMatchObject(full);
    expect(await replyOf(backend, third)).toMatchObject({ status: "queued", waitsForPlace: true });
    expect(await queueOf(backend)).toEqual({ started: [], waiting: [third.streamId] });
  });

  test("the server takes the reply that waits as soon as a place is free, and it waits no longer", async () => {
    const backend = createBackend();
    await runningChat(backend, "first");
    await runningChat(backend, "second");
    const third = await createChat(backend);
    await expect(claim(backend, { streamId: third.streamId, token: "third" })).rejects.toMatchObject(full);
    await finish(backend, "first", "");
    expect(await queueOf(backend)).toEqual({ started: [third.streamId], waiting: [] });
    await claim(backend, { streamId: third.streamId, token: "server", by: "server" });
    const reply = await replyOf(backend, third);
    expect(reply).toMatchObject({ status: "running" });
    expect(reply).not.toHaveProperty("waitsForPlace");
  });

  test("a driver that was turned away may ask again, and gets the place that the queue had for its reply", async () => {
    const backend = createBackend();
    await runningChat(backend, "first");
    await runningChat(backend, "second");
    const third = await createChat(backend);
    const ask = async () => await claim(backend, { streamId: third.streamId, token: "third" });
    await expect(ask()).rejects.toMatchObject(full);
    await expect(ask()).rejects.toMatchObject(full);
    await finish(backend, "first", "");
    expect(await ask()).toMatchObject({ attempt: 1 });
    expect(await queueOf(backend)).toEqual({ started: [], waiting: [] });
    expect(await rowsOf(backend, "runPlaces")).toHaveLength(2);
  });

  test("a new driver does not get the place that those who wait are there for", async () => {
    const backend = createBackend();
    await runningChat(backend, "first");
    await runningChat(backend, "second");
    const waiting = await createChat(backend);
    await leaveToServer(backend, waiting);
    await finish(backend, "first", "");
    const late = await createChat(backend);
    await expect(claim(backend, { streamId: late.streamId, token: "late" })).rejects.toMatchObject(full);
    expect(await queueOf(backend)).toEqual({ started: [waiting.streamId], waiting: [late.streamId] });
  });

  test("a reply that died goes before those that never began", async () => {
    const backend = createBackend();
    const dead = await runningChat(backend, "dead");
    const alive = await runningChat(backend, "alive");
    const waiting = [await createChat(backend), await createChat(backend)];
    for (const chat of waiting) {
      await leaveToServer(backend, chat);
    }
    skip(14_000);
    await append(backend, alive.token, 0, "Still there.");
    skip(1_000);
    await reap(backend);
    expect(await replyOf(backend, dead)).toMatchObject({ status: "recovering" });
    expect(await queueOf(backend)).toEqual({
      started: [dead.streamId],
      waiting: waiting.map((chat) => chat.streamId),
    });
  });

  test("a run that was given to the server and never claimed gives its place to the next", async () => {
    const backend = createBackend();
    await runningChat(backend, "first");
    const lost = await createChat(backend);
    const next = await createChat(backend);
    await leaveToServer(backend, lost);
    await leaveToServer(backend, next);
    expect(await queueOf(backend)).toEqual({ started: [lost.streamId], waiting: [next.streamId] });
    expect(await replyOf(backend, next)).toMatchObject({ waitsForPlace: true });
    const [run] = (await rowsOf(backend, "runs")).filter((row) => row.streamId === lost.streamId);
    skip(20_000);
    await backend.mutation(internal.runs.takeUp, { runId: run!._id });
    expect(await queueOf(backend)).toEqual({ started: [next.streamId], waiting: [lost.streamId] });
  });

  test("an action that comes late to a run that waits again finds no place, and the run waits on", async () => {
    const backend = createBackend();
    await runningChat(backend, "first");
    await runningChat(backend, "second");
    const late = await createChat(backend);
    await leaveToServer(backend, late);
    const claiming = claim(backend, { streamId: late.streamId, token: "server", by: "server" });
    await expect(claiming).rejects.toMatchObject(full);
    expect(await queueOf(backend)).toEqual({ started: [], waiting: [late.streamId] });
  });

  test("deleting a chat frees the places of its replies", async () => {
    const backend = createBackend();
    const chat = await runningChat(backend, "first");
    await runningChat(backend, "second");
    const third = await createChat(backend);
    await leaveToServer(backend, third);
    await backend.mutation(api.chats.deleteChat, { chatId: chat.chatId });
    await backend.mutation(internal.runs.takeUp, { runId: (await rowsOf(backend, "runs"))[0]!._id });
    skip(3_000);
    await reap(backend);
    expect((await queueOf(backend)).started).toEqual([third.streamId]);
  });
});

test("a hundredth reply of one person may wait, one more is refused before anything of it is written", async () => {
  const backend = createBackend();
  const { chatId } = await createChat(backend);
  for (let index = 1; index < 100; index++) {
    await createChat(backend);
  }
  const before = await rowsOf(backend, "messages");
  await expect(createChat(backend)).rejects.toMatchObject({
    data: { kind: "tooManyRequests", retryAfterMs: 5_000, message: expect.stringContaining("100") },
  });
  expect(await rowsOf(backend, "messages")).toEqual(before);
  await backend.mutation(api.messages.stop, {
    messageId: before.find((row) => row.chatId === chatId && row.reply !== null)!._id,
  });
  expect(await createChat(backend)).toMatchObject({ chatId: expect.any(String) });
});

test("no reply is begun while a thousand wait in the queue", async () => {
  const backend = createBackend();
  await createChat(backend);
  const [run] = await rowsOf(backend, "runs");
  await backend.run(async (ctx) => {
    for (let index = 0; index < 1_000; index++) {
      await ctx.db.insert("serverQueue", { runId: run!._id, state: "waiting", rank: 1 });
    }
  });
  await expect(createChat(backend)).rejects.toMatchObject({
    data: { kind: "tooManyRequests", retryAfterMs: 30_000, message: expect.stringContaining("1000") },
  });
});
