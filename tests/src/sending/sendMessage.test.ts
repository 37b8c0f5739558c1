import { ConvexError } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drafts, Drafts } from "../../../src/sending/drafts.ts";
import { addToOutbox, readOutbox, type OutboxEntry } from "../../../src/sending/outbox.ts";
import { pendingSends } from "../../../src/sending/pendingSends.ts";
import { resendOutbox, sendMessage } from "../../../src/sending/sendMessage.ts";
import { replyStores } from "../../../src/streaming/replyStores.ts";
import { FakeDeployment } from "../fakeDeployment.ts";
import { scriptedStream } from "../streaming/scriptedStream.ts";

const ids = { chatId: "c1", userMessageId: "m1", messageId: "m2", streamId: "s1" };

let deployment: FakeDeployment;

function written(entry: Partial<OutboxEntry>): void {
  const preset = { clientRequestId: "r1", chatId: "c1", text: "Hello", model: "demo", sentAtMs: Date.now() };
  addToOutbox({ ...preset, ...entry });
}

beforeEach(() => {
  localStorage.clear();
  for (const key of ["c1", "new"]) drafts.write(key, "");
  deployment = new FakeDeployment();
  deployment.onMutation("messages:leaveToServer", () => Promise.resolve(null));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a message that is sent", () => {
  test("stays sent when a subscriber of its reply fails, and its reply is driven or left to the server", async () => {
    const stream = scriptedStream();
    vi.stubGlobal("fetch", stream.fetch);
    const log = vi.spyOn(console, "error").mockReturnValue(undefined);
    deployment.onMutation("messages:send", () => Promise.resolve(ids));
    const store = replyStores.get(ids.streamId);
    const unsubscribe = store.subscribe(() => {
      throw new Error("a subscriber fails");
    });
    const { clientRequestId, result } = sendMessage(deployment.client, {
      chatId: "c1",
      text: "Hello",
      model: "demo",
    });
    expect(await result).toEqual({ kind: "sent", ids });
    unsubscribe();
    store.close();
    expect(log).toHaveBeenCalledOnce();
    expect(stream.requests).toHaveLength(1);
    expect(readOutbox()).toEqual([]);
    expect(drafts.get("c1")).toEqual({ text: "", problem: null });
    expect(pendingSends.getAll()).toMatchObject([{ clientRequestId, ids }]);
    expect(deployment.mutations.at(-1)).toEqual({
      name: "messages:leaveToServer",
      args: { messageId: "m2" },
    });
  });
});

describe("a message that an earlier page wrote down", () => {
  test("is sent again under the same request id, and its reply left to the server at once", async () => {
    deployment.onMutation("messages:send", () => Promise.resolve(ids));
    written({});
    await resendOutbox(deployment.client);
    expect(deployment.mutations).toEqual([
      { name: "messages:send", args: { chatId: "c1", text: "Hello", clientRequestId: "r1", model: "demo" } },
      { name: "messages:leaveToServer", args: { messageId: "m2" } },
    ]);
    expect(readOutbox()).toEqual([]);
  });

  test("starts its chat if it was the first", async () => {
    deployment.onMutation("chats:createChat", () => Promise.resolve(ids));
    written({ chatId: null, model: null });
    await resendOutbox(deployment.client);
    expect(deployment.mutations[0]).toMatchObject({
      name: "chats:createChat",
      args: { prompt: "Hello", clientRequestId: "r1" },
    });
  });

  test("goes back to the composer when the server refuses it", async () => {
    const refusal = new ConvexError({ kind: "notFound", message: "There is no such chat." });
    deployment.onMutation("messages:send", () => Promise.reject(refusal));
    written({});
    await resendOutbox(deployment.client);
    expect(readOutbox()).toEqual([]);
    expect(drafts.get("c1")).toEqual({ text: "Hello", problem: "There is no such chat." });
  });

  test("goes back to the composer when it is old, and is not sent", async () => {
    written({ sentAtMs: Date.now() - 3_600_000 });
    await resendOutbox(deployment.client);
    expect(deployment.mutations).toEqual([]);
    expect(drafts.get("c1")).toEqual({ text: "Hello", problem: null });
  });

  test("is left out when the storage holds something else", () => {
    localStorage.setItem("duet.outbox", '[{"text":1},"x"]');
    expect(readOutbox()).toEqual([]);
    localStorage.setItem("duet.outbox", "{");
    expect(readOutbox()).toEqual([]);
  });
});

describe("a draft", () => {
  test("is there after a reload and gone when it is emptied", () => {
    new Drafts().write("c9", "half a thought");
    expect(new Drafts().get("c9").text).toBe("half a thought");
    new Drafts().write("c9", "");
    expect(new Drafts().get("c9").text).toBe("");
  });

  test("that comes back stands before what was typed since", () => {
    const typed = new Drafts();
    typed.write("c9", "second");
    typed.giveBack("c9", "first", "why");
    expect(typed.get("c9")).toEqual({ text: "first\n\nsecond", problem: "why" });
  });
});
