import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  createChat,
  finish,
  reap,
  replyOf,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const taken = { data: { kind: "runTaken" } };

function skip(ms: number) {
  vi.setSystemTime(Date.now() + ms);
}

async function handOn(backend: Backend, token: string) {
  return await backend.mutation(internal.runs.handOn, { token });
}

async function onlyRun(backend: Backend) {
  return (await rowsOf(backend, "runs"))[0]!;
}

test("a run that is handed on waits for the server at once, in its next attempt and with its text", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half of ");
  await handOn(backend, chat.token);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering", attempt: 2 });
  expect(await tailOf(backend, chat.streamId)).toMatchObject({ status: "recovering", attempt: 2 });
  expect(await rowsOf(backend, "serverQueue")).toMatchObject([{ state: "started" }]);
  const run = await claim(backend, { streamId: chat.streamId, token: "next", by: "server" });
  expect(run).toMatchObject({ attempt: 2, persistedText: "Half of " });
  await append(backend, "next", 8, "it.");
  await finish(backend, "next", "Half of it.");
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half of it.", status: "done" });
});

test("whoever handed a run on writes nothing more to it", async () => {
  const backend = createBackend();
  const { token } = await runningChat(backend);
  await handOn(backend, token);
  await expect(append(backend, token, 0, "More")).rejects.toMatchObject(taken);
  await expect(finish(backend, token, "")).rejects.toMatchObject(taken);
  expect(await backend.query(internal.runs.poll, { token })).toBe("gone");
});

test("handing on again answers the same, also when the successor has the run or has ended it", async () => {
  const backend = createBackend();
  const { token, streamId } = await runningChat(backend);
  await handOn(backend, token);
  expect(await handOn(backend, token)).toBeNull();
  await claim(backend, { streamId, token: "next", by: "server" });
  expect(await handOn(backend, token)).toBeNull();
  expect(await onlyRun(backend)).toMatchObject({ status: "running", attempt: 2, token: "next" });
  await finish(backend, "next", "");
  expect(await handOn(backend, token)).toBeNull();
});

test("a run may be handed on as often as it takes, and still has both its lives", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend, "token-1");
  for (let attempt = 1; attempt <= 5; attempt++) {
    await handOn(backend, `token-${attempt}`);
    await claim(backend, { streamId: chat.streamId, token: `token-${attempt + 1}`, by: "server" });
  }
  expect(await replyOf(backend, chat)).toMatchObject({ status: "running", attempt: 6 });
  skip(15_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering", attempt: 7 });
  await claim(backend, { streamId: chat.streamId, token: "last", by: "server" });
  skip(15_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "interrupted", attempt: 7 });
});

test("a run that was asked to stop ends instead of being handed on", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "So far");
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  await handOn(backend, chat.token);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped", attempt: 1 });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "So far", status: "done" });
});

test("a token that never held a run hands nothing on", async () => {
  const backend = createBackend();
  await createChat(backend);
  await expect(handOn(backend, "another-token")).rejects.toMatchObject(taken);
});

test("a run of an older version, whose deaths nobody counted, has died as often as it was taken up", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  const { _id } = await onlyRun(backend);
  await backend.run(async (ctx) => await ctx.db.patch("runs", _id, { attempt: 2, deaths: undefined }));
  skip(15_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "interrupted" });
});

test("a model that thinks for longer than a stream may live finds an open one for its first word", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  for (let seconds = 0; seconds < 30 * 60; seconds += 10) {
    skip(10_000);
    await backend.mutation(internal.runs.heartbeat, { token: chat.token });
    expect(Date.now() - (await onlyRun(backend)).openStream.openedAt).toBeLessThan(11 * 60_000);
  }
  await append(backend, chat.token, 0, "Finally.");
  expect((await bodyOf(backend, chat.streamId)).text).toBe("Finally.");
});

test("a reply that waits for an hour has an open stream all the time", async () => {
  vi.stubEnv("MAX_CONCURRENT_RUNS", "1");
  const backend = createBackend();
  await runningChat(backend, "busy");
  const chat = await createChat(backend);
  await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
  for (let minutes = 0; minutes < 60; minutes++) {
    for (let beat = 0; beat < 6; beat++) {
      skip(10_000);
      await backend.mutation(internal.runs.heartbeat, { token: "busy" });
    }
    await reap(backend);
    const run = (await rowsOf(backend, "runs")).find((row) => row.streamId === chat.streamId)!;
    expect(run.status).toBe("queued");
    expect(Date.now() - run.openStream.openedAt).toBeLessThan(12 * 60_000);
  }
  await finish(backend, "busy", "");
  await claim(backend, { streamId: chat.streamId, token: "server", by: "server" });
  await append(backend, "server", 0, "At last.");
  await finish(backend, "server", "At last.");
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "At last.", status: "done" });
});
