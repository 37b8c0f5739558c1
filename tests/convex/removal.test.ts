import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  claim,
  componentRowCounts,
  createBackend,
  createChat,
  finish,
  noRows,
  pass,
  replyOf,
  rowCounts,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

const undoMs = 30_000;
const gone = { data: { kind: "notFound" } };

async function deleteChat(backend: Backend, { chatId }: { chatId: string }) {
  await backend.mutation(api.chats.deleteChat, { chatId });
}

async function restoreChat(backend: Backend, { chatId }: { chatId: string }) {
  await backend.mutation(api.chats.restoreChat, { chatId });
}

/** A chat whose first reply is complete. */
async function answeredChat(backend: Backend, text = "An answer.", token = "token-1") {
  const chat = await runningChat(backend, token);
  await append(backend, chat.token, 0, text);
  await finish(backend, chat.token, text);
  return chat;
}

async function finishAllScheduled(backend: Backend) {
  await backend.finishAllScheduledFunctions(() => {
    vi.runAllTimers();
  });
}

test("deleting a chat leaves nothing of it in any table", async () => {
  const backend = createBackend();
  const first = await answeredChat(backend);
  const { chatId } = first;
  for (let index = 0; index < 40; index++) {
    const turn = await backend.mutation(api.messages.send, {
      chatId,
      text: "More",
      clientRequestId: `r${index}`,
    });
    await claim(backend, { streamId: turn.streamId, token: `t${index}` });
    await finish(backend, `t${index}`, "");
  }
  await deleteChat(backend, first);
  await finishAllScheduled(backend);
  expect(await rowCounts(backend)).toEqual(noRows);
  expect(await componentRowCounts(backend)).toEqual({ streams: 0, chunks: 0 });
});

test("a step of the purge removes a bounded number of documents, however many the chat has", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  for (let index = 0; index < 300; index++) {
    await backend.run(async (ctx) => {
      const { chatId } = chat;
      const fields = { chatId, parentId: null, role: "user" as const, clientRequestId: null, reply: null };
      const messageId = await ctx.db.insert("messages", fields);
      await ctx.db.insert("messageTexts", { messageId, part: 0, text: "Short." });
    });
  }
  await deleteChat(backend, chat);
  vi.setSystemTime(Date.now() + undoMs);
  let left = await rowCounts(backend);
  let steps = 0;
  while (left["chats"] === 1) {
    await backend.mutation(internal.chats.purge, { chatId: chat.chatId });
    const next = await rowCounts(backend);
    const removed = sum(left) - sum(next);
    expect(removed).toBeGreaterThan(0);
    expect(removed).toBeLessThanOrEqual(210);
    left = next;
    steps += 1;
  }
  expect(steps).toBeGreaterThan(2);
  expect(left).toEqual(noRows);
});

test("a step of the purge removes a bounded part of a text of many parts", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  await backend.run(async (ctx) => {
    for (let part = 1; part < 12; part++) {
      await ctx.db.insert("messageTexts", { messageId: chat.messageId, part, text: "語".repeat(300_000) });
    }
  });
  await deleteChat(backend, chat);
  vi.setSystemTime(Date.now() + undoMs);
  let left = (await rowsOf(backend, "messageTexts")).length;
  while (left > 0) {
    await backend.mutation(internal.chats.purge, { chatId: chat.chatId });
    const next = (await rowsOf(backend, "messageTexts")).length;
    expect(left - next).toBeLessThanOrEqual(5);
    left = next;
  }
  await finishAllScheduled(backend);
  expect(await rowCounts(backend)).toEqual(noRows);
});

test("a deleted chat is closed to everybody at once, its live reply included", async () => {
  const backend = createBackend();
  const { chatId, messageId, streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Secret");
  await deleteChat(backend, { chatId });
  expect(await backend.query(api.chats.getChat, { chatId })).toBeNull();
  expect(await backend.query(api.chats.listChats, {})).toEqual([]);
  expect(await backend.query(api.messages.list, { chatId })).toEqual([]);
  expect(await backend.query(api.messages.getText, { messageId })).toBeNull();
  expect(await bodyOf(backend, streamId)).toEqual({ text: "", status: "error" });
  expect(await tailOf(backend, streamId)).toBeNull();
  const sending = backend.mutation(api.messages.send, { chatId, text: "More", clientRequestId: "r" });
  await expect(sending).rejects.toMatchObject(gone);
  await expect(backend.mutation(api.messages.stop, { messageId })).rejects.toMatchObject(gone);
});

test("the pump of a deleted chat is asked to stop, and keeps the text for an undo", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half a");
  await deleteChat(backend, chat);
  expect(await backend.query(internal.runs.poll, { token: chat.token })).toBe("stop");
  expect((await append(backend, chat.token, 6, " sent")).stop).toBe(true);
  await finish(backend, chat.token, "Half a sent", "stopped");
  await restoreChat(backend, chat);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped", usage: { outputTokens: 20 } });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half a sent", status: "done" });
});

test("a reply whose pump is dead is stopped within seconds of the deletion", async () => {
  const backend = createBackend();
  const chat = await runningChat(backend);
  await append(backend, chat.token, 0, "Half a");
  await deleteChat(backend, chat);
  await pass(backend, 3_000);
  await restoreChat(backend, chat);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half a", status: "done" });
});

test("of very many replies at once all are stopped before the purge begins", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  for (let index = 0; index < 35; index++) {
    const turn = await backend.mutation(api.messages.regenerate, {
      messageId: chat.messageId,
      clientRequestId: `r${index}`,
    });
    await claim(backend, { streamId: turn.streamId, token: `t${index}` });
  }
  await deleteChat(backend, chat);
  await pass(backend, undoMs - 1);
  const statuses = new Set((await rowsOf(backend, "runs")).map((run) => run.status));
  expect(statuses).toEqual(new Set(["complete", "stopped"]));
});

test("a driver that comes for a reply of a deleted chat is turned away", async () => {
  const backend = createBackend();
  const { chatId, streamId } = await createChat(backend);
  await deleteChat(backend, { chatId });
  await expect(claim(backend, { streamId, token: "late" })).rejects.toMatchObject(gone);
  const byServer = claim(backend, { streamId, token: "late", by: "server" });
  await expect(byServer).rejects.toMatchObject({ data: { kind: "runTaken" } });
});

test("an undo brings the chat back with all that was in it", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  const before = {
    chat: await backend.query(api.chats.getChat, { chatId: chat.chatId }),
    list: await backend.query(api.chats.listChats, {}),
    messages: await backend.query(api.messages.list, { chatId: chat.chatId }),
    rows: await rowCounts(backend),
  };
  await deleteChat(backend, chat);
  await pass(backend, undoMs - 1);
  await restoreChat(backend, chat);
  await pass(backend, 300_000);
  expect({
    chat: await backend.query(api.chats.getChat, { chatId: chat.chatId }),
    list: await backend.query(api.chats.listChats, {}),
    messages: await backend.query(api.messages.list, { chatId: chat.chatId }),
    rows: await rowCounts(backend),
  }).toEqual(before);
});

test("deleting twice and restoring twice are each the same as once", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  await deleteChat(backend, chat);
  await pass(backend, 20_000);
  await deleteChat(backend, chat);
  await pass(backend, 9_999);
  await restoreChat(backend, chat);
  await restoreChat(backend, chat);
  expect(await rowsOf(backend, "chatAccess")).toHaveLength(1);
  await pass(backend, 300_000);
  expect(await backend.query(api.chats.getChat, { chatId: chat.chatId })).not.toBeNull();
});

test("a chat that was restored and deleted again has its whole time for another undo", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  await deleteChat(backend, chat);
  await pass(backend, 20_000);
  await restoreChat(backend, chat);
  await deleteChat(backend, chat);
  await pass(backend, undoMs - 1);
  await restoreChat(backend, chat);
  expect(await backend.query(api.chats.getChat, { chatId: chat.chatId })).not.toBeNull();
});

test("restoring is refused once the purge has begun, and so is deleting what is gone", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend, "語".repeat(300_000));
  await backend.run(async (ctx) => {
    for (let part = 1; part < 6; part++) {
      await ctx.db.insert("messageTexts", { messageId: chat.messageId, part, text: "語".repeat(300_000) });
    }
  });
  await deleteChat(backend, chat);
  vi.setSystemTime(Date.now() + undoMs);
  await backend.mutation(internal.chats.purge, { chatId: chat.chatId });
  expect(await rowCounts(backend)).toMatchObject({ chats: 1 });
  await expect(restoreChat(backend, chat)).rejects.toMatchObject(gone);
  await finishAllScheduled(backend);
  expect(await rowCounts(backend)).toEqual(noRows);
  await expect(restoreChat(backend, chat)).rejects.toMatchObject(gone);
  await expect(deleteChat(backend, chat)).rejects.toMatchObject(gone);
});

test("a purge that lost its schedule between two steps, or before the first, is taken up again", async () => {
  const backend = createBackend();
  const chat = await answeredChat(backend);
  for (const lifecycle of ["deleting", "purging"] as const) {
    const lost = await answeredChat(backend, "Lost.", lifecycle);
    await backend.run(async (ctx) => {
      await ctx.db.patch("chats", lost.chatId, { lifecycle, purgeAt: Date.now() - 31_000 });
    });
  }
  expect(await rowCounts(backend)).toMatchObject({ chats: 3 });
  await backend.mutation(internal.chats.resumePurges, {});
  await pass(backend, 1_000);
  expect(await rowsOf(backend, "chats")).toMatchObject([{ _id: chat.chatId }]);
  expect(await rowCounts(backend)).toMatchObject({ messages: 2, runs: 1, replyStreams: 1, tails: 1 });
});

test("a purge that fails each time does not keep the others from going on", async () => {
  const backend = createBackend();
  const chats: Awaited<ReturnType<typeof createChat>>[] = [];
  for (let index = 0; index < 21; index++) {
    chats.push(await createChat(backend));
  }
  await backend.run(async (ctx) => {
    for (const { chatId } of chats) {
      await ctx.db.patch("chats", chatId, { lifecycle: "purging", purgeAt: Date.now() - 31_000 });
    }
  });
  await backend.mutation(internal.chats.resumePurges, {});
  // None of those steps is made. The next look takes up the one that the first had no room for.
  vi.setSystemTime(Date.now() + 1);
  await backend.mutation(internal.chats.resumePurges, {});
  const times = (await rowsOf(backend, "chats")).map((chat) => chat.purgeAt ?? 0);
  expect(Math.min(...times)).toBe(Date.now() - 1);
});

test("deleting a chat gives its place in the server queue to the next", async () => {
  const backend = createBackend();
  const chats = [];
  for (let index = 0; index < 5; index++) {
    const chat = await createChat(backend);
    await backend.mutation(api.messages.leaveToServer, { messageId: chat.messageId });
    chats.push(chat);
  }
  await deleteChat(backend, { chatId: chats[0]?.chatId ?? "" });
  const states = await rowsOf(backend, "serverQueue");
  expect(states.map((row) => row.state)).toEqual(["started", "started", "started", "started"]);
});

test("other chats stay as they are", async () => {
  const backend = createBackend();
  const kept = await answeredChat(backend);
  const deleted = await createChat(backend);
  await deleteChat(backend, deleted);
  await pass(backend, undoMs + 1_000);
  expect(await rowCounts(backend)).toMatchObject({
    chats: 1,
    messages: 2,
    runs: 1,
    replyStreams: 1,
    tails: 1,
  });
  expect(await backend.query(api.chats.getChat, { chatId: kept.chatId })).not.toBeNull();
});

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
