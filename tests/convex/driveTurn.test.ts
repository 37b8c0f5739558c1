/** POSTs that bring the message along. How they race is shown on a deployment: `tests/e2e/sendRace.test.ts`. */
import { describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import type { Turn } from "../../convex/shared/streamEvents.ts";
import {
  bodyOf,
  createBackend,
  createChat,
  replyOf,
  rowCounts,
  rowsOf,
  runningChat,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";
import { ended, parseEvents, post, wantsEvents, withModelServer } from "../support/drivenBackend.ts";

const served = withModelServer();

const newChat = { kind: "newChat", prompt: "Hello", clientRequestId: "request-1" };
const runToken = "driver-token-0001";

async function sayAndFinish(...texts: string[]) {
  await vi.waitFor(() => expect(served.current.signals).toHaveLength(1), { timeout: 30_000 });
  served.current.say(...texts);
  served.current.finish();
}

function turnOf(response: Response): Turn {
  return JSON.parse(response.headers.get("X-Duet-Turn") ?? "null") as Turn;
}

async function messagesOf(backend: Backend, { chatId }: { chatId: string }) {
  const messages = await backend.query(api.messages.list, { chatId });
  return messages.map(({ role, clientRequestId }) => ({ role, clientRequestId }));
}

describe("a POST with a message", () => {
  test("begins a chat, and its first event says which", async () => {
    const backend = createBackend();
    const response = await post(backend, { turn: newChat, runToken }, wantsEvents);
    expect(response.status).toBe(200);
    await sayAndFinish("Good day");
    const events = parseEvents(await response.text());
    const turn = turnOf(response);
    expect(events.map(({ event }) => event)).toEqual([
      { kind: "start", attempt: 1, from: 0, turn },
      { kind: "text", offset: 0, text: "Good day" },
      { kind: "done", status: "complete", length: 8 },
    ]);
    expect(await bodyOf(backend, turn.streamId)).toEqual({ text: "Good day", status: "done" });
    expect(await messagesOf(backend, turn)).toEqual([
      { role: "user", clientRequestId: "request-1" },
      { role: "assistant", clientRequestId: null },
    ]);
  });

  test("says which in a header where plain text is asked for, and pages may read it", async () => {
    const backend = createBackend();
    const origin = { Origin: "http://localhost:5173" };
    const response = await post(backend, { turn: newChat }, origin);
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("X-Duet-Turn");
    await sayAndFinish("Good day");
    expect(await response.text()).toBe("Good day");
    expect(await bodyOf(backend, turnOf(response).streamId)).toMatchObject({ text: "Good day" });
  });

  test("goes on in a chat, and counts its stream id for nothing", async () => {
    const backend = createBackend();
    const { chatId, ...first } = await createChat(backend);
    await backend.mutation(api.messages.stop, { messageId: first.messageId });
    const message = { kind: "message", chatId, text: "And then?", clientRequestId: "request-2", unknown: 7 };
    const response = await post(backend, { turn: message, runToken, streamId: first.streamId }, wantsEvents);
    expect(turnOf(response)).toMatchObject({ chatId });
    expect(turnOf(response).streamId).not.toBe(first.streamId);
    await sayAndFinish("Then");
    await response.text();
    expect(await messagesOf(backend, { chatId })).toHaveLength(4);
  });

  test("may be a changed version, or only a wish for another reply", async () => {
    const backend = createBackend();
    const { chatId, userMessageId, messageId } = await createChat(backend);
    await backend.mutation(api.messages.stop, { messageId });
    const edit = { kind: "edit", messageId: userMessageId, text: "Changed", clientRequestId: "request-2" };
    const edited = turnOf(await post(backend, { turn: edit, runToken }));
    expect(edited.userMessageId).not.toBe(userMessageId);
    const regenerate = { kind: "regenerate", messageId, clientRequestId: "request-3" };
    const again = turnOf(await post(backend, { turn: regenerate, runToken }));
    expect(again).toMatchObject({ chatId, userMessageId });
    await vi.waitFor(() => expect(served.current.signals).toHaveLength(2), { timeout: 30_000 });
    served.current.finish();
    await ended(backend, edited);
    await ended(backend, again);
  });
});

describe("a POST that is repeated", () => {
  test("by its driver before a word was persisted drives again, and there is one message", async () => {
    const backend = createBackend();
    const report = vi.spyOn(console, "warn").mockReturnValue();
    const first = await post(backend, { turn: newChat, runToken }, wantsEvents);
    const second = await post(backend, { turn: newChat, runToken }, wantsEvents);
    expect(second.status).toBe(200);
    expect(turnOf(second)).toEqual(turnOf(first));
    expect(parseEvents(await first.text()).map(({ name }) => name)).toEqual(["start"]);
    await vi.waitFor(() => expect(served.current.signals).toHaveLength(2), { timeout: 30_000 });
    served.current.finish();
    expect(parseEvents(await second.text()).at(-1)?.name).toBe("done");
    expect(await rowsOf(backend, "chats")).toHaveLength(1);
    expect(await rowsOf(backend, "messages")).toHaveLength(2);
    report.mockRestore();
  });

  test.each([
    ["while it is written", false],
    ["after its end", true],
  ])("by anybody else %s is refused, with the turn to read", async (_name, isOver) => {
    const backend = createBackend();
    const first = await post(backend, { turn: newChat, runToken }, wantsEvents);
    if (isOver) {
      await sayAndFinish("Good day");
      await first.text();
    }
    const second = await post(backend, { turn: newChat, runToken: "driver-token-0002" });
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({ kind: "runTaken", turn: turnOf(first) });
    expect(await rowsOf(backend, "messages")).toHaveLength(2);
    served.current.finish();
    await ended(backend, turnOf(first));
  });

  test("after the mutation of the same name drives what that one began", async () => {
    const backend = createBackend();
    const { kind: _kind, ...args } = newChat;
    const turn = await backend.mutation(api.chats.createChat, args);
    const response = await post(backend, { turn: newChat, runToken }, wantsEvents);
    expect(turnOf(response)).toEqual(turn);
    expect(await backend.mutation(api.chats.createChat, args)).toEqual(turn);
    await sayAndFinish("Good day");
    await response.text();
    expect(await rowsOf(backend, "messages")).toHaveLength(2);
  });
});

describe("a claim that is refused", () => {
  test("leaves the message where it is, and undoes what else the claim has written", async () => {
    const backend = createBackend();
    const turn = { ...newChat, kind: "newChat" as const };
    const begun = await backend.mutation(internal.turns.beginAndClaim, { turn, token: "one" });
    const counts = await rowCounts(backend);
    const again = await backend.mutation(internal.turns.beginAndClaim, { turn, token: "two" });
    expect(again).toMatchObject({ kind: "refused", turn: begun.turn, error: { kind: "runTaken" } });
    expect(await rowCounts(backend)).toEqual(counts);
    expect((await rowsOf(backend, "runs")).map(({ token }) => token)).toEqual(["one"]);
  });
});

describe("while all places are taken", () => {
  test("a message is kept, its reply waits, and the driver is told when to ask again", async () => {
    vi.stubEnv("MAX_CONCURRENT_RUNS", "1");
    const backend = createBackend();
    const first = await post(backend, { turn: newChat, runToken });
    const turn = { ...newChat, clientRequestId: "request-2" };
    const second = await post(backend, { turn, runToken: "driver-token-0002" });
    expect(second.status).toBe(503);
    expect(Number(second.headers.get("Retry-After"))).toBeGreaterThan(0);
    const refusal = (await second.json()) as { turn: Turn; retryAfterMs: number };
    expect(refusal).toMatchObject({ kind: "tooManyRequests", retryAfterMs: expect.any(Number) });
    expect(await replyOf(backend, refusal.turn)).toMatchObject({ status: "queued", waitsForPlace: true });
    const named = await post(backend, {
      streamId: refusal.turn.streamId,
      runToken: "driver-token-0002",
    });
    expect([named.status, await named.json()]).toMatchObject([503, { kind: "tooManyRequests" }]);
    await backend.mutation(api.messages.stop, { messageId: refusal.turn.messageId });
    served.current.finish();
    await ended(backend, turnOf(first));
  });
});

describe("what is refused leaves nothing behind", () => {
  test.each([
    ["a turn that is no object", 7, 400, "turn"],
    ["a kind that there is not", { kind: "delete" }, 400, "turn.kind"],
    ["a kind that every object has", { kind: "constructor" }, 400, "turn.kind"],
    ["a message without text", { kind: "message", chatId: "c", clientRequestId: "r" }, 400, "turn.text"],
    ["a text that is a number", { ...newChat, prompt: 7 }, 400, "turn.prompt"],
    ["half a character", { ...newChat, prompt: "\ud83d" }, 400, "turn.prompt"],
    ["an empty message", { ...newChat, prompt: "  " }, 400, "prompt"],
    ["a message that is too long", { ...newChat, prompt: "x".repeat(200_001) }, 400, "prompt"],
    ["an empty request id", { ...newChat, clientRequestId: "" }, 400, "clientRequestId"],
  ])("%s", async (_name, turn, status, field) => {
    const backend = createBackend();
    const response = await post(backend, { turn, runToken });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ kind: "invalidInput", field, message: expect.any(String) });
    expect(Object.values(await rowCounts(backend)).every((count) => count === 0)).toBe(true);
  });

  test("a run token that could be guessed", async () => {
    const backend = createBackend();
    const response = await post(backend, { turn: newChat, runToken: "short" });
    expect([response.status, await response.json()]).toMatchObject([400, { field: "runToken" }]);
    expect(await rowsOf(backend, "messages")).toEqual([]);
  });

  test("a chat that does not exist", async () => {
    const turn = { kind: "message", chatId: "nowhere", text: "Hello", clientRequestId: "r" };
    const response = await post(createBackend(), { turn, runToken });
    expect([response.status, await response.json()]).toMatchObject([404, { kind: "notFound" }]);
  });

  test("a chat whose last reply is still being written", async () => {
    const backend = createBackend();
    const chat = await runningChat(backend);
    const { chatId } = chat;
    const turn = { kind: "message", chatId, text: "Hello", clientRequestId: "r" };
    const response = await post(backend, { turn, runToken });
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({ kind: "chatBusy", message: expect.any(String) });
    expect(await messagesOf(backend, { chatId })).toHaveLength(2);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "running" });
  });

  test("a model that has no key", async () => {
    vi.stubEnv("DEMO_BASE_URL", "");
    const backend = createBackend();
    const response = await post(backend, { turn: newChat, runToken });
    expect([response.status, await response.json()]).toMatchObject([503, { kind: "modelUnavailable" }]);
    expect(await rowsOf(backend, "chats")).toEqual([]);
  });
});
