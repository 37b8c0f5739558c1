/** Versions of replies and messages in the backend. Long: each way to another version is tried with what it may refuse. */
import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  fail,
  finish,
  replyOf,
  rowCounts,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

type Ending = "complete" | "length" | "stopped" | "failed" | "interrupted";

/** A chat whose first reply wrote `text` and ended in this way. */
async function endedChat(backend: Backend, ending: Ending, text = "So far ") {
  const chat = await runningChat(backend);
  if (text !== "") {
    await append(backend, chat.token, 0, text);
  }
  await endReply(backend, chat, ending, text);
  return chat;
}

async function endReply(
  backend: Backend,
  { streamId, token }: { streamId: string; token: string },
  ending: Ending,
  text: string,
) {
  switch (ending) {
    case "complete":
    case "stopped":
      await finish(backend, token, text, ending);
      return;
    case "length": {
      const end = { token, text, usage: null, costUsd: null } as const;
      await backend.mutation(internal.runs.finish, { ...end, status: "complete", finishReason: "length" });
      return;
    }
    case "failed":
      await fail(backend, token, text, { kind: "network", message: "The connection broke off." });
      return;
    case "interrupted":
      // Nobody extends the lease of either attempt.
      vi.setSystemTime(Date.now() + 15_000);
      await backend.mutation(internal.runs.reap, {});
      await claim(backend, { streamId, token: `${token}, second attempt`, by: "server" });
      vi.setSystemTime(Date.now() + 15_000);
      await backend.mutation(internal.runs.reap, {});
      return;
    default:
      ending satisfies never;
  }
}

async function treeOf(backend: Backend, chatId: string) {
  const messages = await backend.query(api.messages.list, { chatId });
  return messages.map(({ _id, parentId, role }) => ({ _id, parentId, role }));
}

async function textOf(backend: Backend, messageId: string) {
  return (await backend.query(api.messages.getText, { messageId }))?.text;
}

/** Every kind of request for another version of something in the chat. */
function versionRequests(backend: Backend, chat: { userMessageId: string; messageId: string }) {
  const { userMessageId, messageId } = chat;
  return {
    edit: (clientRequestId: string) =>
      backend.mutation(api.messages.edit, { messageId: userMessageId, text: "Changed", clientRequestId }),
    regenerate: (clientRequestId: string) =>
      backend.mutation(api.messages.regenerate, { messageId, clientRequestId }),
    continue: (clientRequestId: string) =>
      backend.mutation(api.messages.continueReply, { messageId, clientRequestId }),
  };
}

const kinds = ["edit", "regenerate", "continue"] as const;

test("a regenerated reply answers the same message, beside the earlier one, which stays as it is", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "complete", "First version.");
  const before = await replyOf(backend, chat);
  const turn = await backend.mutation(api.messages.regenerate, {
    messageId: chat.messageId,
    clientRequestId: "again",
  });
  expect(turn.userMessageId).toBe(chat.userMessageId);
  expect(await treeOf(backend, chat.chatId)).toEqual([
    { _id: chat.userMessageId, parentId: null, role: "user" },
    { _id: chat.messageId, parentId: chat.userMessageId, role: "assistant" },
    { _id: turn.messageId, parentId: chat.userMessageId, role: "assistant" },
  ]);
  expect(await replyOf(backend, chat)).toEqual(before);
  expect(await textOf(backend, chat.messageId)).toBe("First version.");
  expect(await bodyOf(backend, turn.streamId)).toEqual({ text: "", status: "pending" });
  const { turns } = await claim(backend, { streamId: turn.streamId, token: "second" });
  expect(turns).toEqual([{ role: "user", text: "Say something." }]);
});

test("an edited message stands beside the one it changes, with a reply of its own", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "complete", "One.");
  const { chatId } = chat;
  const second = await backend.mutation(api.messages.send, { chatId, text: "Two?", clientRequestId: "two" });
  await claim(backend, { streamId: second.streamId, token: "second" });
  await finish(backend, "second", "");
  const edited = await backend.mutation(api.messages.edit, {
    messageId: second.userMessageId,
    text: "Three?",
    clientRequestId: "three",
  });
  const tree = await treeOf(backend, chatId);
  expect(tree.slice(-2)).toEqual([
    { _id: edited.userMessageId, parentId: chat.messageId, role: "user" },
    { _id: edited.messageId, parentId: edited.userMessageId, role: "assistant" },
  ]);
  expect(await textOf(backend, second.userMessageId)).toBe("Two?");
  const { turns } = await claim(backend, { streamId: edited.streamId, token: "third" });
  expect(turns.map(({ text }) => text)).toEqual(["Say something.", "One.", "Three?"]);
});

test("the first message of a chat can be edited too", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "complete");
  const edited = await versionRequests(backend, chat).edit("edited");
  expect((await treeOf(backend, chat.chatId)).filter(({ parentId }) => parentId === null)).toHaveLength(2);
  const { turns } = await claim(backend, { streamId: edited.streamId, token: "edited" });
  expect(turns).toEqual([{ role: "user", text: "Changed" }]);
});

test.each(["interrupted", "stopped", "failed", "length"] as const)(
  "a reply that ended as %s is continued in a version that begins with its text and goes on from there",
  async (ending) => {
    const backend = createBackend();
    const chat = await endedChat(backend, ending);
    const before = await replyOf(backend, chat);
    const turn = await versionRequests(backend, chat).continue("go on");
    expect(await replyOf(backend, turn)).toMatchObject({ status: "queued", continues: chat.messageId });
    expect(await bodyOf(backend, turn.streamId)).toEqual({ text: "So far ", status: "pending" });
    expect(await tailOf(backend, turn.streamId)).toMatchObject({ from: 7, text: "" });

    const run = await claim(backend, { streamId: turn.streamId, token: "continuing" });
    expect(run.persistedText).toBe("So far ");
    expect(run.turns).toEqual([
      { role: "user", text: "Say something." },
      { role: "assistant", text: "So far " },
      { role: "user", text: expect.stringMatching(/continue it exactly/i) },
    ]);
    await append(backend, "continuing", 7, "so good.");
    await finish(backend, "continuing", "So far so good.");
    expect(await textOf(backend, turn.messageId)).toBe("So far so good.");
    expect(await replyOf(backend, chat)).toEqual(before);
    expect(await textOf(backend, chat.messageId)).toBe("So far ");
    expect(await bodyOf(backend, chat.streamId)).toMatchObject({ text: "So far " });
  },
);

test("a continued reply that is stopped before it began keeps the text it began with, and is continued again", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "stopped");
  const turn = await versionRequests(backend, chat).continue("go on");
  await backend.mutation(api.messages.stop, { messageId: turn.messageId });
  expect(await textOf(backend, turn.messageId)).toBe("So far ");
  const third = await versionRequests(backend, turn).continue("and on");
  expect(await bodyOf(backend, third.streamId)).toEqual({ text: "So far ", status: "pending" });
  expect(await replyOf(backend, third)).toMatchObject({ continues: turn.messageId });
});

test("a continued reply without driver begins from the text on the server, and a dead one is taken up behind it", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "stopped");
  const { streamId } = await versionRequests(backend, chat).continue("go on");
  await claim(backend, { streamId, token: "first", by: "server" });
  await append(backend, "first", 7, "so ");
  vi.setSystemTime(Date.now() + 15_000);
  await backend.mutation(internal.runs.reap, {});
  const run = await claim(backend, { streamId, token: "second", by: "server" });
  expect(run).toMatchObject({ attempt: 2, persistedText: "So far so " });
});

test("a long reply is continued with all of its text while that is still being moved to its parts", async () => {
  const backend = createBackend();
  const long = `${"0123456789".repeat(20_000)}end`;
  const chat = await endedChat(backend, "interrupted", long);
  const turn = await versionRequests(backend, chat).continue("go on");
  expect((await bodyOf(backend, turn.streamId)).text === long).toBe(true);
  const { persistedText } = await claim(backend, { streamId: turn.streamId, token: "continuing" });
  expect(persistedText === long).toBe(true);
});

test("a complete reply is not continued: the refusal names what can be done instead", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "complete");
  await expect(versionRequests(backend, chat).continue("go on")).rejects.toMatchObject({
    data: {
      kind: "invalidInput",
      field: "messageId",
      message: expect.stringMatching(/complete.*Regenerate/),
    },
  });
});

test("a reply of which nothing was written is not continued: the refusal says to retry", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "failed", "");
  await expect(versionRequests(backend, chat).continue("go on")).rejects.toMatchObject({
    data: { kind: "invalidInput", message: expect.stringMatching(/nothing to continue.*Retry/) },
  });
});

test("a reply of three hundred thousand characters is continued, a longer one is refused with the limit", async () => {
  const backend = createBackend();
  const long = "x".repeat(300_000);
  const chat = await endedChat(backend, "stopped", long);
  const turn = await versionRequests(backend, chat).continue("go on");
  expect((await bodyOf(backend, turn.streamId)).text === long).toBe(true);
  await claim(backend, { streamId: turn.streamId, token: "longer" });
  await append(backend, "longer", long.length, "y");
  await finish(backend, "longer", `${long}y`, "stopped");
  const counts = await rowCounts(backend);
  await expect(versionRequests(backend, turn).continue("and on")).rejects.toMatchObject({
    data: { kind: "invalidInput", message: expect.stringMatching(/more than 300000 characters/) },
  });
  expect(await rowCounts(backend)).toEqual(counts);
});

test("a message answers the reply that it names, though it is not the newest, and only a reply of its chat", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "complete", "First version.");
  const { chatId } = chat;
  const other = await runningChat(backend, "another chat's");
  await versionRequests(backend, chat).regenerate("again");
  const send = (parentId: string) =>
    backend.mutation(api.messages.send, { chatId, parentId, text: "And?", clientRequestId: "and" });
  for (const parentId of [chat.userMessageId, other.messageId, "abc"]) {
    await expect(send(parentId)).rejects.toMatchObject({
      data: { kind: "notFound", message: expect.stringContaining("not a reply of this chat") },
    });
  }
  const turn = await send(chat.messageId);
  expect((await treeOf(backend, chatId)).find(({ _id }) => _id === turn.userMessageId)).toMatchObject({
    parentId: chat.messageId,
  });
  const { turns } = await claim(backend, { streamId: turn.streamId, token: "third" });
  expect(turns.map(({ text }) => text)).toEqual(["Say something.", "First version.", "And?"]);
});

test.each(["regenerate", "continue"] as const)(
  "%s is refused for a reply that is still growing, queued or running",
  async (kind) => {
    const backend = createBackend();
    const running = await runningChat(backend);
    const { chatId } = running;
    await expect(versionRequests(backend, running)[kind]("1")).rejects.toMatchObject({
      data: { kind: "chatBusy", message: expect.stringContaining("still being written") },
    });
    await finish(backend, running.token, "");
    const queued = await backend.mutation(api.messages.send, { chatId, text: "More", clientRequestId: "2" });
    await expect(versionRequests(backend, queued)[kind]("3")).rejects.toMatchObject({
      data: { kind: "chatBusy" },
    });
  },
);

test("while one version grows, the message may be edited and an ended version asked for again", async () => {
  const backend = createBackend();
  const chat = await endedChat(backend, "stopped");
  const requests = versionRequests(backend, chat);
  const growing = await requests.regenerate("1");
  await claim(backend, { streamId: growing.streamId, token: "growing" });
  const others = [await requests.regenerate("2"), await requests.continue("3"), await requests.edit("4")];
  expect(new Set(others.map(({ messageId }) => messageId)).size).toBe(3);
  await append(backend, "growing", 0, "Undisturbed.");
  await finish(backend, "growing", "Undisturbed.");
  expect(await replyOf(backend, growing)).toMatchObject({ status: "complete" });
  expect(await backend.query(api.chats.getChat, { chatId: chat.chatId })).toMatchObject({
    status: "replying",
  });
});

test.each(kinds)(
  "%s repeated with the same request id answers the first turn, also when it ended since",
  async (kind) => {
    const backend = createBackend();
    const chat = await endedChat(backend, "stopped");
    const request = versionRequests(backend, chat)[kind];
    const first = await request("once");
    const counts = await rowCounts(backend);
    expect(await request("once")).toEqual(first);
    await claim(backend, { streamId: first.streamId, token: "other" });
    expect(await request("once")).toEqual(first);
    await finish(backend, "other", kind === "continue" ? "So far " : "");
    expect(await request("once")).toEqual(first);
    expect((await rowCounts(backend))["messages"]).toBe(counts["messages"]);
    expect((await request("twice")).messageId).not.toBe(first.messageId);
  },
);

test.each(kinds)("%s of what is not there, not of its role or not one's own finds nothing", async (kind) => {
  const backend = createBackend();
  const chat = await endedChat(backend, "stopped");
  const { userMessageId, messageId } = chat;
  const notFound = { data: { kind: "notFound", message: expect.stringMatching(/There is no such/) } };
  for (const wrongId of ["abc", "", chat.chatId]) {
    const wrong = versionRequests(backend, { userMessageId: wrongId, messageId: wrongId });
    await expect(wrong[kind]("1")).rejects.toMatchObject(notFound);
  }
  const swapped = versionRequests(backend, { userMessageId: messageId, messageId: userMessageId });
  await expect(swapped[kind]("1")).rejects.toMatchObject(notFound);
  await backend.run(async (ctx) => {
    const access = await ctx.db
      .query("chatAccess")
      .withIndex("by_chat", (q) => q.eq("chatId", chat.chatId))
      .unique();
    await ctx.db.patch("chatAccess", access!._id, { ownerId: "somebody else" });
  });
  await expect(versionRequests(backend, chat)[kind]("1")).rejects.toMatchObject(notFound);
});

test.each(kinds)(
  "%s in a deleted chat finds nothing, also under a request id that was carried out",
  async (kind) => {
    const backend = createBackend();
    const chat = await endedChat(backend, "stopped");
    await versionRequests(backend, chat)[kind]("1");
    await backend.mutation(api.chats.deleteChat, { chatId: chat.chatId });
    await expect(versionRequests(backend, chat)[kind]("1")).rejects.toMatchObject({
      data: { kind: "notFound" },
    });
  },
);

test.each(kinds)("%s with a request id that is empty or too long is refused with the limit", async (kind) => {
  const backend = createBackend();
  const chat = await endedChat(backend, "stopped");
  for (const id of ["", "x".repeat(201), "half \ud83d"]) {
    await expect(versionRequests(backend, chat)[kind](id)).rejects.toMatchObject({
      data: { kind: "invalidInput", field: "clientRequestId" },
    });
  }
});

test("an edit that is empty or too long is refused with the limit, and nothing is kept of it", async () => {
  const backend = createBackend();
  const { userMessageId: messageId } = await endedChat(backend, "complete");
  const counts = await rowCounts(backend);
  for (const [text, words] of [
    [" \n", /empty/],
    ["x".repeat(200_001), /200001 characters; at most 200000/],
  ] as const) {
    const editing = backend.mutation(api.messages.edit, { messageId, text, clientRequestId: "1" });
    await expect(editing).rejects.toMatchObject({
      data: { kind: "invalidInput", field: "text", message: expect.stringMatching(words) },
    });
  }
  expect(await rowCounts(backend)).toEqual(counts);
});

test.each(kinds)("%s takes the model that is asked for, and refuses an unknown one", async (kind) => {
  const backend = createBackend();
  const chat = await endedChat(backend, "stopped");
  const target = { messageId: kind === "edit" ? chat.userMessageId : chat.messageId, clientRequestId: "1" };
  const ask = async (model: string) => {
    switch (kind) {
      case "edit":
        return await backend.mutation(api.messages.edit, { ...target, text: "Changed", model });
      case "regenerate":
        return await backend.mutation(api.messages.regenerate, { ...target, model });
      default:
        return await backend.mutation(api.messages.continueReply, { ...target, model });
    }
  };
  await expect(ask("gpt-0")).rejects.toMatchObject({ data: { kind: "invalidInput", field: "model" } });
  expect(await replyOf(backend, await ask("demo-anthropic"))).toMatchObject({ model: "demo-anthropic" });
});
