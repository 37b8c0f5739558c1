/** What a run knows of the response that its provider goes on with, and when that is cancelled. */
import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  claim,
  createBackend,
  fail,
  finish,
  reap,
  runningChat,
  rowsOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const response = { id: "resp_1", from: 0, reasoningFrom: 0 };

async function notedChat(backend: Backend) {
  const chat = await runningChat(backend);
  await backend.mutation(internal.responses.note, { token: chat.token, response });
  return chat;
}

async function die(backend: Backend) {
  vi.setSystemTime(Date.now() + 15_000);
  await reap(backend);
}

/** The ids of responses whose cancelling was scheduled. */
async function cancelled(backend: Backend): Promise<unknown[]> {
  const jobs = await backend.run(async ({ db }) => await db.system.query("_scheduled_functions").take(100));
  return jobs.flatMap(({ name, args }) =>
    name.startsWith("cancelledResponses") ? [(args[0] as { responseId: string }).responseId] : [],
  );
}

test("whoever takes a run up after a death or a hand-on is told of the response", async () => {
  const backend = createBackend();
  const { streamId, token } = await notedChat(backend);
  await backend.mutation(internal.runs.handOn, { token });
  expect(await claim(backend, { streamId, token: "second", by: "server" })).toMatchObject({ response });
  await die(backend);
  expect(await claim(backend, { streamId, token: "third", by: "server" })).toMatchObject({ response });
  expect(await cancelled(backend)).toEqual([]);
});

test("only the holder of the run notes a response", async () => {
  const backend = createBackend();
  const { token } = await notedChat(backend);
  await die(backend);
  const late = { token, response: { ...response, id: "resp_late" } };
  await expect(backend.mutation(internal.responses.note, late)).rejects.toMatchObject({
    data: { kind: "runTaken" },
  });
  expect(await rowsOf(backend, "runs")).toMatchObject([{ response }]);
});

test("a run that is complete has nothing to cancel", async () => {
  const backend = createBackend();
  const { token } = await notedChat(backend);
  await finish(backend, token, "");
  expect(await cancelled(backend)).toEqual([]);
});

test("a run that fails has its response cancelled, once", async () => {
  const backend = createBackend();
  const first = await notedChat(backend);
  await fail(backend, first.token, "", { kind: "timeout", message: "Silent." });
  await fail(backend, first.token, "", { kind: "timeout", message: "Silent." });
  expect(await cancelled(backend)).toEqual(["resp_1"]);
});

test("a stop that finds nobody at work cancels the response", async () => {
  const backend = createBackend();
  const { messageId } = await notedChat(backend);
  await die(backend);
  await backend.mutation(api.messages.stop, { messageId });
  expect(await cancelled(backend)).toEqual(["resp_1"]);
});

test("a run that dies for the last time has its response cancelled", async () => {
  const backend = createBackend();
  const { streamId } = await notedChat(backend);
  await die(backend);
  expect(await cancelled(backend)).toEqual([]);
  await claim(backend, { streamId, token: "second", by: "server" });
  await die(backend);
  expect(await cancelled(backend)).toEqual(["resp_1"]);
});

test("a run that every try to take up fails for has its response cancelled", async () => {
  const backend = createBackend();
  await notedChat(backend);
  const [run] = await rowsOf(backend, "runs");
  await backend.run(async ({ db }) => await db.patch("runs", run!._id, { failedTakeUps: 5 }));
  await die(backend);
  expect(await rowsOf(backend, "runs")).toMatchObject([{ status: "failed" }]);
  expect(await cancelled(backend)).toEqual(["resp_1"]);
});

test("deleting the chat of a run that nobody holds cancels its response", async () => {
  const backend = createBackend();
  const { chatId } = await notedChat(backend);
  await die(backend);
  await backend.mutation(api.chats.deleteChat, { chatId });
  expect(await cancelled(backend)).toEqual(["resp_1"]);
});
