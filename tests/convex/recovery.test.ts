/** Runs that die or that nobody begins. Long, because each way of dying is one short test on the same few helpers. */
import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  createChat,
  finish,
  pass,
  reap,
  replyOf,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

/** The action loads the SDKs of all providers, which takes a busy machine its time. */
const patience = { timeout: 30_000 };

/** Time goes by without anything that was scheduled happening: what is under test is the rescue for that. */
function skip(ms: number) {
  vi.setSystemTime(Date.now() + ms);
}

async function queueStates(backend: Backend) {
  return (await rowsOf(backend, "serverQueue")).map((row) => row.state);
}

test("a run whose lease lives is left alone", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  skip(14_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "running", attempt: 1 });
});

test("a dead run loses its token, keeps its text and waits for a successor", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  skip(15_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering", attempt: 2 });
  expect(await tailOf(backend, chat.streamId)).toMatchObject({ status: "recovering", attempt: 2 });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of ", status: "streaming" });
  expect(await queueStates(backend)).toEqual(["started"]);
  await expect(append(backend, chat.token, 8, "it")).rejects.toMatchObject({ data: { kind: "runTaken" } });
});

test("the successor is asked to continue the persisted text and writes behind it", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  skip(15_000);
  await reap(backend);
  const run = await claim(backend, { streamId: chat.streamId, token: "successor", by: "server" });
  expect(run).toMatchObject({ attempt: 2, persistedText: "Half of " });
  expect(run.turns).toEqual([
    { role: "user", text: "Say something." },
    { role: "assistant", text: "Half of " },
    { role: "user", text: expect.stringMatching(/continue it exactly/i) },
  ]);
  await append(backend, "successor", 8, "it all.");
  await finish(backend, "successor", "Half of it all.");
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of it all.", status: "done" });
  expect(await queueStates(backend)).toEqual([]);
});

test("a driver's old token does not come back to life when the driver claims the run again", async () => {
  const backend = createBackend();
  const { streamId } = await createChat(backend);
  await claim(backend, { streamId, token: "first pump", driverToken: "driver" });
  await append(backend, "first pump", 0, "Half of ");
  skip(15_000);
  await reap(backend);
  await claim(backend, { streamId, token: "second pump", driverToken: "driver" });
  await expect(append(backend, "first pump", 8, "that")).rejects.toMatchObject({
    data: { kind: "runTaken" },
  });
  await append(backend, "second pump", 8, "it");
});

test("a run that dies in its second attempt is interrupted, with all that is persisted", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  skip(15_000);
  await reap(backend);
  await claim(backend, { streamId: chat.streamId, token: "successor", by: "server" });
  await append(backend, "successor", 8, "it");
  skip(15_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "interrupted", attempt: 2 });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of it", status: "error" });
  expect(await queueStates(backend)).toEqual([]);
  expect(await backend.query(api.chats.getChat, { chatId: chat.chatId })).toMatchObject({ status: "idle" });
});

test("a run without driver is given to the server after ten seconds", async () => {
  const backend = createBackend();
  const chat = await createChat(backend);
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(9_999);
  expect(await queueStates(backend)).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  // The action that claims it first loads the SDKs of all providers.
  await vi.waitFor(async () => {
    expect(await replyOf(backend, chat)).toMatchObject({ status: "running" });
  }, patience);
  expect(await queueStates(backend)).toEqual(["started"]);
});

test("a client that cannot drive gives its run to the server at once", async () => {
  const backend = createBackend();
  const chat = await createChat(backend);
  await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
  expect(await queueStates(backend)).toEqual(["started"]);
});

test("the reaper gives a run to the server when its scheduled rescue was lost", async () => {
  const backend = createBackend();
  await createChat(backend);
  skip(20_000);
  await reap(backend);
  expect(await queueStates(backend)).toEqual(["started"]);
});

test("four server runs go at once; the others wait, and the oldest starts when one ends", async () => {
  const backend = createBackend();
  const chats = [];
  for (let index = 0; index < 6; index++) {
    const chat = await createChat(backend);
    await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
    chats.push(chat);
  }
  expect(await queueStates(backend)).toEqual([
    "started",
    "started",
    "started",
    "started",
    "waiting",
    "waiting",
  ]);
  await claim(backend, { streamId: chats[0]?.streamId ?? "", token: "server", by: "server" });
  await finish(backend, "server", "");
  expect(await queueStates(backend)).toEqual(["started", "started", "started", "started", "waiting"]);
});

test("a late driver takes a run out of the queue and its place goes to the next", async () => {
  const backend = createBackend();
  const chats = [];
  for (let index = 0; index < 5; index++) {
    const chat = await createChat(backend);
    await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
    chats.push(chat);
  }
  await claim(backend, { streamId: chats[1]?.streamId ?? "", token: "driver" });
  expect(await queueStates(backend)).toEqual(["started", "started", "started", "started"]);
  const late = claim(backend, { streamId: chats[1]?.streamId ?? "", token: "server", by: "server" });
  await expect(late).rejects.toMatchObject({ data: { kind: "runTaken" } });
});

test("a server run that was started and never claimed is started again", async () => {
  const backend = createBackend();
  const chat = await createChat(backend);
  await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
  const [before] = await rowsOf(backend, "serverQueue");
  skip(20_000);
  await reap(backend);
  const [after] = await rowsOf(backend, "serverQueue");
  expect(after?.state).toBe("started");
  expect(after?._id).not.toBe(before?._id);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "queued", attempt: 1 });
});

test("a run that the server cannot begin, however often, fails with a reason instead of waiting for ever", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  for (let starts = 0; starts < 15; starts++) {
    skip(60_000);
    await reap(backend);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering" });
  }
  skip(60_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({
    status: "failed",
    error: { kind: "unknown", message: expect.stringContaining("could not") },
  });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of ", status: "error" });
  expect(await queueStates(backend)).toEqual([]);
  expect(await rowsOf(backend, "runPlaces")).toEqual([]);
});

test("a run that was begun at last has all its starts again", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  for (const token of ["first", "second"]) {
    for (let starts = 0; starts < 10; starts++) {
      skip(60_000);
      await reap(backend);
    }
    await claim(backend, { streamId: chat.streamId, token, by: "server" });
    await backend.mutation(internal.runs.handOn, { token });
  }
  expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering" });
});

test("stopping a reply between death and take-over ends it with its text", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  skip(15_000);
  await reap(backend);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of ", status: "done" });
  expect(await queueStates(backend)).toEqual([]);
});

/** The stream that is open by the run's row is none, and all that ends or moves it fails. */
async function breakFirstRun(backend: Backend) {
  await backend.run(async (ctx) => {
    const run = await ctx.db.query("runs").first();
    await ctx.db.patch("runs", run!._id, { openStream: { ...run!.openStream, streamId: "no such stream" } });
  });
}

test("a run that cannot be taken up does not keep the reaper from the others", async () => {
  const backend = createBackend();
  const broken = await runningChat(backend, "token-1");
  const healthy = await runningChat(backend, "token-2");
  await breakFirstRun(backend);
  const report = vi.spyOn(console, "error").mockReturnValue();
  skip(15_000);
  await reap(backend);
  expect(report).toHaveBeenCalledOnce();
  report.mockRestore();
  expect(await replyOf(backend, broken)).toMatchObject({ status: "running" });
  expect(await replyOf(backend, healthy)).toMatchObject({ status: "recovering" });
});

test.each([
  ["running", async () => {}],
  [
    "asked to stop",
    async (backend: Backend, messageId: string) => {
      await backend.mutation(api.messages.stop, { messageId });
    },
  ],
])(
  "a run that can never be taken up, %s, fails after minutes with a reason and its text",
  async (_, meet) => {
    const backend = createBackend();
    const chat = await runningChat(backend);
    await append(backend, chat.token, 0, "Half of ");
    await meet(backend, chat.messageId);
    await breakFirstRun(backend);
    const report = vi.spyOn(console, "error").mockReturnValue();
    skip(15_000);
    for (let seconds = 0; seconds < 310; seconds += 10) {
      expect(await replyOf(backend, chat)).toMatchObject({ status: "running" });
      await reap(backend);
      skip(10_000);
    }
    await reap(backend);
    await reap(backend);
    expect(
      report.mock.calls.map(([line]) =>
        /(\d+) times in a row. The next try is in (\d+) s/.exec(String(line))?.slice(1),
      ),
    ).toEqual([
      ["1", "10"],
      ["2", "20"],
      ["3", "40"],
      ["4", "80"],
      ["5", "160"],
    ]);
    report.mockRestore();
    expect(await replyOf(backend, chat)).toMatchObject({
      status: "failed",
      error: { kind: "unknown", message: expect.stringContaining("What there is of it is kept") },
    });
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of ", status: "error" });
    expect(await tailOf(backend, chat.streamId)).toMatchObject({ status: "failed" });
    expect(await backend.query(api.chats.getChat, { chatId: chat.chatId })).toMatchObject({ status: "idle" });
    expect(await rowsOf(backend, "runPlaces")).toEqual([]);
    await expect(append(backend, chat.token, 8, "it")).rejects.toMatchObject({ data: { kind: "runTaken" } });
    await pass(backend, 11 * 60_000);
    await pass(backend, 2 * 60_000);
    expect(await rowsOf(backend, "runs")).toEqual([]);
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of ", status: "error" });
  },
);

test("a run that was held again after failed tries has all of them again", async () => {
  const backend = createBackend();
  const { streamId } = await runningChat(backend, "first");
  await backend.mutation(internal.runs.handOn, { token: "first" });
  const [run] = await rowsOf(backend, "runs");
  await backend.run(async (ctx) => await ctx.db.patch("runs", run!._id, { failedTakeUps: 4 }));
  await claim(backend, { streamId, token: "second", by: "server" });
  expect((await rowsOf(backend, "runs"))[0]).toMatchObject({ failedTakeUps: 0 });
});
