import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StreamEvent, Turn } from "../../../convex/shared/streamEvents.ts";
import { readChatStream, type StreamOutcome } from "../../../src/streaming/chatStreamReader.ts";
import { scriptedStream, type ScriptedStream } from "./scriptedStream.ts";

interface Reading {
  stream: ScriptedStream;
  events: StreamEvent[];
  outcome: Promise<StreamOutcome>;
  stop: AbortController;
}

function read(): Reading {
  const stream = scriptedStream();
  const events: StreamEvent[] = [];
  const stop = new AbortController();
  const outcome = readChatStream({
    url: "http://127.0.0.1:1/chat-stream",
    body: { streamId: "stream-1", runToken: "token-of-sixteen-characters" },
    signal: stop.signal,
    fetch: stream.fetch,
    onEvent: (event) => events.push(event),
    headTimeoutMs: 5_000,
    stallTimeoutMs: 12_000,
  });
  return { stream, events, outcome, stop };
}

/** Lets everything that is ready happen, without moving the clock. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("reading a chat stream", () => {
  test("asks with the stream id and the run token, and for server-sent events", async () => {
    const { stream, stop, outcome } = read();
    expect(stream.requests).toHaveLength(1);
    expect(stream.requests[0]?.body).toEqual({
      streamId: "stream-1",
      runToken: "token-of-sixteen-characters",
    });
    expect(stream.requests[0]?.headers.get("accept")).toBe("text/event-stream");
    stop.abort();
    expect(await outcome).toEqual({ kind: "aborted" });
    expect(stream.isAborted()).toBe(true);
  });

  test("hands on events in order and ends with the last word", async () => {
    const { stream, events, outcome } = read();
    stream.answer();
    stream.send({ kind: "start", attempt: 1, from: 0 }, { kind: "text", offset: 0, text: "Hello" });
    stream.send({ kind: "done", status: "complete", length: 5 });
    expect(await outcome).toEqual({
      kind: "finished",
      last: { kind: "done", status: "complete", length: 5 },
    });
    expect(events.map((event) => event.kind)).toEqual(["start", "text", "done"]);
  });

  test("joins characters whose bytes come in two pieces", async () => {
    const { stream, events, outcome } = read();
    stream.answer();
    for (const byte of new TextEncoder().encode('event: text\ndata: {"offset":0,"text":"日😀"}\n\n')) {
      stream.sendRaw(Uint8Array.of(byte));
    }
    stream.end();
    expect(await outcome).toEqual({ kind: "cut" });
    expect(events).toEqual([{ kind: "text", offset: 0, text: "日😀" }]);
  });

  test("leaves out kinds that it does not know and data that is not what its kind promises", async () => {
    const { stream, events, outcome } = read();
    stream.answer();
    const strange = [
      "event: tool\ndata: {}",
      "event: text\ndata: {}",
      "event: text\ndata: no json",
      "data: 1",
    ];
    stream.sendRaw(new TextEncoder().encode(strange.map((event) => `${event}\n\n`).join("")));
    stream.send({ kind: "error", error: "overloaded", message: "busy" });
    expect((await outcome).kind).toBe("finished");
    expect(events).toEqual([{ kind: "error", error: "overloaded", message: "busy" }]);
  });

  test.each([409, 404, 429, 503])("a %i is a refusal", async (httpStatus) => {
    const { stream, outcome } = read();
    stream.answer(httpStatus);
    expect(await outcome).toEqual({ kind: "refused", httpStatus, error: null, turn: null });
  });

  test("a refusal says why, and which turn the server has all the same", async () => {
    const { stream, outcome } = read();
    const turn = { chatId: "c", userMessageId: "u", messageId: "m", streamId: "s" };
    const error = { kind: "tooManyRequests", message: "All places are taken.", retryAfterMs: 2_000 };
    stream.answer(503, { ...error, turn });
    expect(await outcome).toMatchObject({ kind: "refused", httpStatus: 503, error, turn });
  });

  test("a start names the turn that the request began", async () => {
    const turn = { chatId: "c", userMessageId: "u", messageId: "m", streamId: "s" };
    const { stream, events, stop } = read();
    stream.answer();
    const start = { kind: "start", attempt: 1, from: 0 } as const;
    stream.send(
      { ...start, turn: turn as Turn },
      { ...start, turn: { ...turn, streamId: 7 } as unknown as Turn },
    );
    await settle();
    expect(events).toEqual([{ ...start, turn }, start]);
    stop.abort();
  });

  test("an end without a last word is a cut", async () => {
    const { stream, outcome } = read();
    stream.answer();
    stream.send({ kind: "start", attempt: 1, from: 0 });
    stream.end();
    expect(await outcome).toEqual({ kind: "cut" });
  });

  test("a destroyed connection is a cut", async () => {
    const { stream, outcome } = read();
    stream.answer();
    await settle();
    stream.cut();
    expect(await outcome).toEqual({ kind: "cut" });
  });

  test("a head that does not come is given up, and the connection with it", async () => {
    const { stream, outcome } = read();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await outcome).toEqual({ kind: "stalled", waitingFor: "head" });
    expect(stream.isAborted()).toBe(true);
  });

  test("silence in the body is a stall; a ping is not silence", async () => {
    const { stream, outcome } = read();
    const ended = vi.fn<() => void>();
    void outcome.then(() => ended());
    stream.answer();
    await settle();
    for (let pings = 0; pings < 3; pings += 1) {
      await vi.advanceTimersByTimeAsync(11_000);
      stream.sendRaw(new TextEncoder().encode(": ping\n\n"));
      await settle();
    }
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(await outcome).toEqual({ kind: "stalled", waitingFor: "body" });
    expect(stream.isAborted()).toBe(true);
  });

  test.each([
    ["goes on when it brings something in the moment after", true],
    ["is given up when it stays silent", false],
  ])("a connection that a device has slept over %s", async (_name, isAlive) => {
    const { stream, outcome, stop } = read();
    stream.answer();
    stream.send({ kind: "start", attempt: 1, from: 0 });
    await settle();
    // An hour passes in which no timer runs.
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(12_500);
    expect(stream.isAborted()).toBe(false);
    if (isAlive) stream.send({ kind: "text", offset: 0, text: "Good morning" });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(stream.isAborted()).toBe(!isAlive);
    stop.abort();
    expect((await outcome).kind).toBe(isAlive ? "aborted" : "stalled");
  });
});
