import { beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { bodyOf, createBackend, createChat, finish, replyOf, runningChat } from "../support/convexBackend.ts";
import type { ModelServer } from "../support/drivenBackend.ts";
import { ended, parseEvents, post, wantsEvents, withModelServer } from "../support/drivenBackend.ts";

const served = withModelServer();
let model: ModelServer;

beforeEach(() => {
  model = served.current;
});

/** Waits until the deployment has asked the model so many times. */
async function asked(times: number) {
  await vi.waitFor(() => {
    expect(model.signals).toHaveLength(times);
  });
}

describe("a driven reply", () => {
  test("comes as events with ids, and is persisted when the last one is there", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    const response = await post(backend, { streamId: chat.streamId }, wantsEvents);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream; charset=utf-8");
    await asked(1);
    model.say("Hello, ", "world");
    model.finish();
    const events = parseEvents(await response.text());
    expect(events).toEqual([
      { name: "start", id: "1.0", event: { kind: "start", attempt: 1, from: 0 } },
      { name: "text", id: "1.1", event: { kind: "text", offset: 0, text: "Hello, " } },
      { name: "text", id: "1.2", event: { kind: "text", offset: 7, text: "world" } },
      { name: "done", id: "1.3", event: { kind: "done", status: "complete", length: 12 } },
    ]);
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Hello, world", status: "done" });
  });

  test("has its head as soon as the run is claimed, before the model says anything", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    const response = await post(backend, { streamId: chat.streamId }, wantsEvents);
    const reader = response.body!.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(parseEvents(first)[0]?.name).toBe("start");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "running" });
  });

  test("is plain text for whoever does not ask for events, such as curl and the component's hook", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    const response = await post(backend, { streamId: chat.streamId, prompt: "ignored", chatId: 7 });
    expect(response.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    await asked(1);
    model.say("Hello, ", "world");
    model.finish();
    expect(await response.text()).toBe("Hello, world");
  });

  test("goes on and completes when its driver is gone", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    const response = await post(backend, { streamId: chat.streamId }, wantsEvents);
    await asked(1);
    model.say("Hello, ");
    await response.body!.cancel();
    model.say("world");
    model.finish();
    await ended(backend, chat);
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Hello, world", status: "done" });
  });

  test("that fails breaks off a plain body, which has no other way to say so", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    vi.stubGlobal("fetch", async () => Response.json({ error: { message: "Wrong key" } }, { status: 401 }));
    const response = await post(backend, { streamId: chat.streamId });
    await expect(response.text()).rejects.toThrow("broke off");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "auth" } });
  });

  test("whose model lost its key since fails with the variable to set", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    vi.stubEnv("DEMO_BASE_URL", "");
    const response = await post(backend, { streamId: chat.streamId }, wantsEvents);
    expect(parseEvents(await response.text()).at(-1)?.name).toBe("error");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed" });
  });
});

describe("a run has one driver", () => {
  test("a second POST is refused with 409, and the model is asked once", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    await post(backend, { streamId: chat.streamId });
    const second = await post(backend, { streamId: chat.streamId });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({ kind: "runTaken" });
    await asked(1);
    model.finish();
    await ended(backend, chat);
    expect(model.signals).toHaveLength(1);
  });

  test("the same driver may ask again before a word was persisted; its first body ends without verdict", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    const report = vi.spyOn(console, "warn").mockReturnValue();
    const request = { streamId: chat.streamId, runToken: "driver-token-0001" };
    const first = await post(backend, request, wantsEvents);
    const second = await post(backend, request, wantsEvents);
    expect(second.status).toBe(200);
    expect(parseEvents(await first.text()).map((event) => event.name)).toEqual(["start"]);
    model.say("Hello");
    model.finish();
    expect(parseEvents(await second.text()).at(-1)?.name).toBe("done");
    expect(report).toHaveBeenCalledOnce();
    report.mockRestore();
  });

  test("a reply that has ended is refused with 409", async () => {
    const backend = createBackend();
    const { streamId, token } = await runningChat(backend);
    await finish(backend, token, "");
    expect((await post(backend, { streamId })).status).toBe(409);
  });
});

describe("what is refused", () => {
  test.each([
    ["text that is no JSON", "{", 400, "invalidInput"],
    ["a body that is no object", "[]", 400, "invalidInput"],
    ["a body without stream id", "{}", 400, "invalidInput"],
    ["a run token that could be guessed", { streamId: "s", runToken: "short" }, 400, "invalidInput"],
    ["half a character in a stream id", { streamId: "s\ud83d" }, 400, "invalidInput"],
    [
      "half a character in a run token",
      { streamId: "s", runToken: "x".repeat(20) + "\ude00" },
      400,
      "invalidInput",
    ],
    ["a stream that does not exist", { streamId: "s" }, 404, "notFound"],
    ["a body that is too large", { streamId: "s", prompt: "漢".repeat(800_000) }, 413, "invalidInput"],
  ])("%s", async (_name, body, status, kind) => {
    const response = await post(createBackend(), body);
    expect(response.status).toBe(status);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ kind, message: expect.any(String) });
  });

  test("only for its stream, with the longest prompt that a message may have beside it", async () => {
    const body = JSON.stringify({ streamId: "s", prompt: "漢".repeat(200_000) });
    const headers = { "Content-Length": String(new TextEncoder().encode(body).length) };
    expect((await post(createBackend(), body, headers)).status).toBe(404);
  });

  test("a body whose length is announced as too large, unread", async () => {
    const response = await post(createBackend(), "{}", { "Content-Length": "9000000" });
    expect(response.status).toBe(413);
  });

  test("a body that never ends, as soon as it is too large", async () => {
    const chunk = new Uint8Array(256 * 1024);
    const source = { pulls: 0, isCancelled: false };
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        source.pulls += 1;
        controller.enqueue(chunk);
        if (source.pulls > 100) {
          controller.close();
        }
      },
      cancel: () => {
        source.isCancelled = true;
      },
    });
    const request: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
    const response = await createBackend().fetch("/chat-stream", request);
    expect(response.status).toBe(413);
    expect(source.isCancelled).toBe(true);
    expect(source.pulls).toBeLessThan(12);
  });

  test("the reply of a deleted chat", async () => {
    const backend = createBackend();
    const chat = await createChat(backend);
    await backend.mutation(api.chats.deleteChat, { chatId: chat.chatId });
    expect((await post(backend, { streamId: chat.streamId })).status).toBe(404);
  });
});

describe("pages of other origins", () => {
  test("may call when they are configured, and see errors too", async () => {
    vi.stubEnv("ALLOWED_ORIGINS", "https://one.example, https://two.example/");
    const response = await post(createBackend(), "{}", { Origin: "https://two.example" });
    expect(response.status).toBe(400);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://two.example");
    expect(response.headers.get("Vary")).toBe("Origin");
  });

  test("may not call otherwise, and nothing is claimed for them", async () => {
    vi.stubEnv("ALLOWED_ORIGINS", "https://one.example");
    const backend = createBackend();
    const chat = await createChat(backend);
    const response = await post(backend, { streamId: chat.streamId }, { Origin: "https://evil.example" });
    expect(response.status).toBe(403);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
    expect(await response.json()).toMatchObject({ message: expect.stringContaining("ALLOWED_ORIGINS") });
    expect(await replyOf(backend, chat)).toMatchObject({ status: "queued" });
  });

  test("may not call because they share the deployment's name: any name can be made to point here", async () => {
    vi.stubEnv("ALLOWED_ORIGINS", "https://one.example");
    // Where convex-test has the request go.
    const response = await post(createBackend(), "{}", { Origin: "https://some.convex.site" });
    expect(response.status).toBe(403);
  });

  test("ask first, and learn which method and headers they may use", async () => {
    const headers = { Origin: "http://localhost:5173", "Access-Control-Request-Method": "POST" };
    const response = await createBackend().fetch("/chat-stream", { method: "OPTIONS", headers });
    expect(response.status).toBe(204);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("http://localhost:5173");
    expect(response.headers.get("Access-Control-Allow-Methods")).toContain("POST");
    expect(response.headers.get("Access-Control-Allow-Headers")).toContain("Content-Type");
  });
});
