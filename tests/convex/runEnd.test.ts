import { expect, test } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  createBackend,
  createChat,
  fail,
  finish,
  pass,
  replyOf,
  rowCounts,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

test("finish stores text, usage, cost and status, and the chat is idle again", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "All of it.");
  await finish(backend, chat.token, "All of it.");
  expect(await replyOf(backend, chat)).toMatchObject({
    status: "complete",
    usage: { inputTokens: 10, outputTokens: 20 },
    costUsd: 0.5,
    error: null,
  });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "All of it.", status: "done" });
  expect(await tailOf(backend, chat.streamId)).toMatchObject({ status: "complete", text: "All of it." });
  expect(await backend.query(api.messages.getText, { messageId: chat.messageId })).toEqual({
    text: "All of it.",
  });
  expect(await backend.query(api.chats.getChat, { chatId: chat.chatId })).toMatchObject({ status: "idle" });
});

test("finish is refused when the text is not as long as what is persisted", async () => {
  const backend = createBackend();
  const { token, streamId } = await runningChat(backend);
  await append(backend, token, 0, "All of it.");
  await expect(finish(backend, token, "All")).rejects.toMatchObject({ data: { kind: "internal" } });
  expect((await bodyOf(backend, streamId)).status).toBe("streaming");
});

test("finish may be called again when its answer was lost", async () => {
  const backend = createBackend();
  const { token } = await runningChat(backend);
  await finish(backend, token, "");
  await finish(backend, token, "");
  expect(await rowsOf(backend, "messageTexts")).toHaveLength(2);
});

test("an ended run takes no more text and cannot be ended otherwise", async () => {
  const backend = createBackend();
  const { token } = await runningChat(backend);
  await finish(backend, token, "");
  const taken = { data: { kind: "runTaken" } };
  await expect(append(backend, token, 0, "More")).rejects.toMatchObject(taken);
  await expect(fail(backend, token, "", { kind: "network", message: "" })).rejects.toMatchObject(taken);
});

test("a failed reply keeps its text and says why", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half a sent");
  await fail(backend, chat.token, "Half a sent", { kind: "overloaded", message: "Too many people." });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half a sent", status: "error" });
  expect(await replyOf(backend, chat)).toMatchObject({
    status: "failed",
    error: { kind: "overloaded", message: "Too many people." },
  });
});

test("ten minutes after the end only the name of the stream is left, and it still answers", async () => {
  const backend = createBackend();
  const { token, streamId } = await runningChat(backend);
  const page = `${"y".repeat(31_999)} `;
  for (let index = 0; index < 25; index++) {
    await append(backend, token, index * page.length, page);
  }
  await finish(backend, token, page.repeat(25));
  expect((await rowCounts(backend))["replyStreams"]).toBe(25);
  await pass(backend, 10 * 60_000);
  await pass(backend, 1_000);
  expect(await rowCounts(backend)).toMatchObject({ runs: 0, tails: 0, replyStreams: 1, serverQueue: 0 });
  expect((await bodyOf(backend, streamId)).text).toHaveLength(25 * 32_000);
});

test("stopping a queued reply ends it at once", async () => {
  const backend = createBackend();
  const chat = await createChat(backend);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "", status: "done" });
});

test("stopping a running reply tells its pump with the next flush, heartbeat and poll", async () => {
  const backend = createBackend();
  const { messageId, token } = await runningChat(backend);
  expect(await backend.query(internal.runs.poll, { token })).toBe("go");
  await backend.mutation(api.messages.stop, { messageId });
  expect(await backend.query(internal.runs.poll, { token })).toBe("stop");
  expect(await append(backend, token, 0, "So far")).toEqual({ stop: true, leaseMs: 3_000 });
  expect(await backend.mutation(internal.runs.heartbeat, { token })).toEqual({ stop: true, leaseMs: 3_000 });
  await finish(backend, token, "So far", "stopped");
  expect(await backend.query(internal.runs.poll, { token })).toBe("gone");
});

test("a run that does not end within three seconds of a stop is sealed with what is persisted", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  await append(backend, chat.token, 0, "So far");
  await pass(backend, 3_000);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "So far", status: "done" });
  await expect(append(backend, chat.token, 6, " on")).rejects.toMatchObject({ data: { kind: "runTaken" } });
});

test("whoever ends first wins: a stop after the end changes nothing", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await finish(backend, chat.token, "");
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  expect(await replyOf(backend, chat)).toMatchObject({ status: "complete" });
});
