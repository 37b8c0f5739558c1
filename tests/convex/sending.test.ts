import { expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  createBackend,
  createChat,
  finish,
  replyOf,
  rowCounts,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

test("createChat makes the chat, the message, the placeholder, the stream and the queued run at once", async () => {
  const backend = createBackend();
  const chat = await createChat(backend, "Hello there");
  expect(await rowCounts(backend)).toEqual({
    chats: 1,
    chatAccess: 1,
    messages: 2,
    messageTexts: 1,
    runs: 1,
    replyStreams: 1,
    tails: 1,
    reasonings: 0,
    serverQueue: 0,
    seals: 0,
    runPlaces: 0,
  });
  const messages = await backend.query(api.messages.list, { chatId: chat.chatId });
  expect(messages.map(({ _id, parentId, role }) => ({ _id, parentId, role }))).toEqual([
    { _id: chat.userMessageId, parentId: null, role: "user" },
    { _id: chat.messageId, parentId: chat.userMessageId, role: "assistant" },
  ]);
  expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "", status: "pending" });
  expect(await tailOf(backend, chat.streamId)).toMatchObject({ status: "queued" });
  expect(await backend.query(api.messages.getText, { messageId: chat.userMessageId })).toEqual({
    text: "Hello there",
  });
  expect(await backend.query(api.messages.getText, { messageId: chat.messageId })).toBeNull();
});

test("a title is cut between two characters", async () => {
  const backend = createBackend();
  const own = await backend.mutation(api.chats.createChat, { prompt: "Hi", title: `${"x".repeat(199)}😀` });
  const derived = await createChat(backend, `${"x".repeat(59)}😀x`);
  expect(await backend.query(api.chats.getChat, { chatId: own.chatId })).toMatchObject({
    title: "x".repeat(199),
  });
  expect(await backend.query(api.chats.getChat, { chatId: derived.chatId })).toMatchObject({
    title: `${"x".repeat(59)}…`,
  });
});

test("a chat takes its title from the first line of the prompt, cut at a word end", async () => {
  const backend = createBackend();
  const prompt = "\n  Explain how a lease keeps two writers from writing the same reply at once\nThanks";
  const { chatId } = await createChat(backend, prompt);
  expect(await backend.query(api.chats.getChat, { chatId })).toMatchObject({
    title: "Explain how a lease keeps two writers from writing the same…",
    status: "replying",
  });
});

test("createChat repeated with the same request id answers with the first chat", async () => {
  const backend = createBackend();
  const request = { prompt: "Hello", clientRequestId: "request-1" };
  const first = await backend.mutation(api.chats.createChat, request);
  expect(await backend.mutation(api.chats.createChat, request)).toEqual(first);
  expect(await backend.query(api.chats.listChats, {})).toHaveLength(1);
});

test("send repeated with the same request id answers with the first message, also while its reply grows", async () => {
  const backend = createBackend();
  const { chatId, token } = await runningChat(backend);
  await finish(backend, token, "");
  const request = { chatId, text: "And then?", clientRequestId: "request-2" };
  const first = await backend.mutation(api.messages.send, request);
  expect(await backend.mutation(api.messages.send, request)).toEqual(first);
  expect(await backend.query(api.messages.list, { chatId })).toHaveLength(4);
});

test("request ids are the chat's own: the same one in another chat is another message", async () => {
  const backend = createBackend();
  const chats = [await runningChat(backend, "token-1"), await runningChat(backend, "token-2")];
  const turns = [];
  for (const { chatId, token } of chats) {
    await finish(backend, token, "");
    turns.push(await backend.mutation(api.messages.send, { chatId, text: "More", clientRequestId: "1" }));
  }
  expect(turns.map((turn) => turn.chatId)).toEqual(chats.map((chat) => chat.chatId));
});

test.each([
  ["empty", ""],
  ["longer than two hundred characters", "x".repeat(201)],
  ["with half a character", "request-\ud83d"],
])("a request id that is %s is refused with the limit, for a chat as for a message", async (_name, id) => {
  const backend = createBackend();
  const { chatId, token } = await runningChat(backend);
  await finish(backend, token, "");
  const creation = backend.mutation(api.chats.createChat, { prompt: "Hello", clientRequestId: id });
  const sending = backend.mutation(api.messages.send, { chatId, text: "Hello", clientRequestId: id });
  for (const request of [creation, sending]) {
    await expect(request).rejects.toMatchObject({
      data: { kind: "invalidInput", field: "clientRequestId", message: expect.stringContaining("1 to 200") },
    });
  }
});

test("createChat repeated after its chat was deleted makes no other one, and finds the first when that is restored", async () => {
  const backend = createBackend();
  const request = { prompt: "Hello", clientRequestId: "request-1" };
  const first = await backend.mutation(api.chats.createChat, request);
  await backend.mutation(api.chats.deleteChat, { chatId: first.chatId });
  await expect(backend.mutation(api.chats.createChat, request)).rejects.toMatchObject({
    data: { kind: "notFound" },
  });
  await backend.mutation(api.chats.restoreChat, { chatId: first.chatId });
  expect(await backend.mutation(api.chats.createChat, request)).toEqual(first);
});

test("a new message answers the newest one of the chat", async () => {
  const backend = createBackend();
  const { chatId, messageId, token } = await runningChat(backend);
  await finish(backend, token, "");
  const second = await backend.mutation(api.messages.send, { chatId, text: "More", clientRequestId: "r" });
  const messages = await backend.query(api.messages.list, { chatId });
  expect(messages.find(({ _id }) => _id === second.userMessageId)?.parentId).toBe(messageId);
});

test("a message to a reply that is still being written is refused", async () => {
  const backend = createBackend();
  const { chatId } = await runningChat(backend);
  const sending = backend.mutation(api.messages.send, { chatId, text: "More", clientRequestId: "r" });
  await expect(sending).rejects.toMatchObject({ data: { kind: "chatBusy" } });
});

test("an empty message and one that is too long are refused, and nothing is kept of them", async () => {
  const backend = createBackend();
  for (const prompt of ["", "  \n", "x".repeat(200_001)]) {
    await expect(createChat(backend, prompt)).rejects.toMatchObject({ data: { kind: "invalidInput" } });
  }
  expect(await backend.query(api.chats.listChats, {})).toEqual([]);
});

test("an unknown model is refused with the known ones", async () => {
  const backend = createBackend();
  const creating = backend.mutation(api.chats.createChat, { prompt: "Hello", model: "gpt-0" });
  await expect(creating).rejects.toMatchObject({
    data: { kind: "invalidInput", field: "model", message: expect.stringContaining("gpt-6.1-terra") },
  });
});

test("a model without key is refused with the variable to set", async () => {
  const backend = createBackend();
  const creating = backend.mutation(api.chats.createChat, { prompt: "Hello", model: "gpt-4o" });
  await expect(creating).rejects.toMatchObject({
    data: { kind: "modelUnavailable", message: expect.stringContaining("OPENAI_API_KEY") },
  });
});

test("a deployment without any key lists its models as unavailable and says what to set", async () => {
  vi.stubEnv("DEMO_BASE_URL", "");
  const backend = createBackend();
  const models = await backend.query(api.models.list, {});
  expect(models.every((model) => !model.available && model.unavailableReason?.startsWith("Set "))).toBe(true);
  await expect(createChat(backend)).rejects.toMatchObject({ data: { kind: "modelUnavailable" } });
});

test("the models of a compatible server and the demo models are listed, and DEFAULT_MODEL chooses among them", async () => {
  vi.stubEnv("OPENAI_COMPATIBLE_BASE_URL", "http://127.0.0.1:11434/v1");
  vi.stubEnv("OPENAI_COMPATIBLE_MODELS", "llama3.3, qwen3");
  vi.stubEnv("DEFAULT_MODEL", "qwen3");
  const backend = createBackend();
  const available = (await backend.query(api.models.list, {})).filter((model) => model.available);
  expect(available.map((model) => model.id)).toEqual(["demo", "demo-anthropic", "llama3.3", "qwen3"]);
  expect(available.find((model) => model.isDefault)?.id).toBe("qwen3");
});

test("a chat goes on with its model, and with the default once that cannot be used", async () => {
  vi.stubEnv("OPENAI_API_KEY", "key");
  const backend = createBackend();
  const chat = await backend.mutation(api.chats.createChat, { prompt: "Hello", model: "gpt-4o" });
  expect(await replyOf(backend, chat)).toMatchObject({ model: "gpt-4o" });
  await backend.mutation(api.messages.stop, { messageId: chat.messageId });
  vi.stubEnv("OPENAI_API_KEY", "");
  const { chatId } = chat;
  const second = await backend.mutation(api.messages.send, { chatId, text: "More", clientRequestId: "r" });
  expect(await replyOf(backend, second)).toMatchObject({ model: "demo" });
});

test("chats are listed by their newest activity", async () => {
  const backend = createBackend();
  const first = await runningChat(backend, "token-1");
  vi.advanceTimersByTime(1_000);
  const second = await createChat(backend, "Second");
  vi.advanceTimersByTime(1_000);
  await append(backend, first.token, 0, "Hi");
  await finish(backend, first.token, "Hi");
  const chats = await backend.query(api.chats.listChats, {});
  expect(chats.map(({ _id, status }) => ({ _id, status }))).toEqual([
    { _id: first.chatId, status: "idle" },
    { _id: second.chatId, status: "replying" },
  ]);
  expect(await backend.query(api.chats.listChats, { limit: 1 })).toHaveLength(1);
});

test("a mistyped id is no such chat, no messages, no text, an empty body", async () => {
  const backend = createBackend();
  await createChat(backend);
  expect(await backend.query(api.chats.getChat, { chatId: "abc" })).toBeNull();
  expect(await backend.query(api.messages.list, { chatId: "abc" })).toEqual([]);
  expect(await backend.query(api.messages.getText, { messageId: "abc" })).toBeNull();
  expect(await tailOf(backend, "abc")).toBeNull();
  expect(await bodyOf(backend, "abc")).toEqual({ text: "", status: "error" });
});

test("the newest thousand messages are listed, and more for those who ask", async () => {
  const backend = createBackend();
  const { chatId } = await createChat(backend);
  await backend.run(async (ctx) => {
    for (let index = 0; index < 1_200; index++) {
      const fields = { chatId, parentId: null, role: "user" as const, clientRequestId: null, reply: null };
      await ctx.db.insert("messages", fields);
    }
  });
  const newest = await backend.query(api.messages.list, { chatId });
  const more = await backend.query(api.messages.list, { chatId, limit: 2_000 });
  expect(newest).toHaveLength(1_000);
  expect(more).toHaveLength(1_202);
  expect(more.slice(-1_000)).toEqual(newest);
  expect(await backend.query(api.messages.list, { chatId, limit: 0 })).toHaveLength(1);
});
