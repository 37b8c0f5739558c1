import { expect, test, vi } from "vitest";
import { api, components, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  createChat,
  finish,
  rowCounts,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const { getStreamText } = components.persistentTextStreaming.lib;

const empty = {
  chats: 0,
  chatAccess: 0,
  messages: 0,
  messageTexts: 0,
  runs: 0,
  replyStreams: 0,
  tails: 0,
  seals: 0,
  runPlaces: 0,
  serverQueue: 0,
};

test("deleting a chat leaves nothing of it in any table", async () => {
  const backend = createBackend();
  const first = await runningChat(backend);
  const { chatId } = first;
  await append(backend, first.token, 0, "First.");
  await finish(backend, first.token, "First.");
  const streamIds = [first.streamId];
  for (let index = 0; index < 12; index++) {
    const turn = await backend.mutation(api.messages.send, {
      chatId,
      text: "More",
      clientRequestId: `r${index}`,
    });
    streamIds.push(turn.streamId);
    await claim(backend, { streamId: turn.streamId, token: `t${index}` });
    await finish(backend, `t${index}`, "");
  }
  await backend.mutation(api.chats.deleteChat, { chatId });
  await backend.finishAllScheduledFunctions(() => {
    vi.runAllTimers();
  });
  expect(await rowCounts(backend)).toEqual(empty);
  for (const streamId of streamIds) {
    const reading = backend.run(async (ctx) => await ctx.runQuery(getStreamText, { streamId }));
    await expect(reading).rejects.toThrow("Stream not found");
  }
});

test("a deleted chat is closed to everybody at once, its live reply included", async () => {
  const backend = createBackend();
  const { chatId, messageId, streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Secret");
  await backend.mutation(api.chats.deleteChat, { chatId });
  expect(await backend.query(api.chats.getChat, { chatId })).toBeNull();
  expect(await backend.query(api.chats.listChats, {})).toEqual([]);
  expect(await backend.query(api.messages.list, { chatId })).toEqual([]);
  expect(await backend.query(api.messages.getText, { messageId })).toBeNull();
  expect(await bodyOf(backend, streamId)).toEqual({ text: "", status: "error" });
  expect(await tailOf(backend, streamId)).toBeNull();
});

test("the pump of a deleted reply finds its run gone", async () => {
  const backend = createBackend();
  const { chatId, streamId, token } = await runningChat(backend);
  await backend.mutation(api.chats.deleteChat, { chatId });
  expect(await backend.query(internal.runs.poll, { token })).toBe("gone");
  await expect(append(backend, token, 0, "More")).rejects.toMatchObject({ data: { kind: "runTaken" } });
  await expect(claim(backend, { streamId, token: "other" })).rejects.toMatchObject({
    data: { kind: "notFound" },
  });
});

test("deleting a chat gives its place in the server queue to the next", async () => {
  const backend = createBackend();
  const chats = [];
  for (let index = 0; index < 5; index++) {
    const chat = await createChat(backend);
    await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
    chats.push(chat);
  }
  await backend.mutation(api.chats.deleteChat, { chatId: chats[0]?.chatId ?? "" });
  const states = await backend.run(async (ctx) => await ctx.db.query("serverQueue").take(10));
  expect(states.map((row) => row.state)).toEqual(["started", "started", "started", "started"]);
});

test("other chats stay as they are", async () => {
  const backend = createBackend();
  const kept = await createChat(backend);
  const deleted = await createChat(backend);
  await backend.mutation(api.chats.deleteChat, { chatId: deleted.chatId });
  await vi.advanceTimersByTimeAsync(100);
  await backend.finishInProgressScheduledFunctions();
  expect(await rowCounts(backend)).toMatchObject({
    chats: 1,
    messages: 2,
    runs: 1,
    replyStreams: 1,
    tails: 1,
  });
  expect(await backend.query(api.chats.getChat, { chatId: kept.chatId })).not.toBeNull();
});
