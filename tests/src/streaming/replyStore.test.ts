import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StreamOutcome } from "../../../src/streaming/chatStreamReader.ts";
import { driveReply } from "../../../src/streaming/driveReply.ts";
import { ReplyStore, type ReplyStoreOptions } from "../../../src/streaming/replyStore.ts";
import { scriptedStream, type ScriptedStream } from "./scriptedStream.ts";

const immediately = { request: (update: () => void) => update(), cancel: () => {} };
const settle = () => vi.advanceTimersByTimeAsync(0);

function newStore(options: ReplyStoreOptions = {}): { store: ReplyStore; texts: string[] } {
  const store = new ReplyStore({ updates: immediately, ...options });
  const texts: string[] = [];
  store.subscribe(() => {
    const { text } = store.getSnapshot();
    if (texts.at(-1) !== text) texts.push(text);
  });
  return { store, texts };
}

interface Driver {
  store: ReplyStore;
  stream: ScriptedStream;
  texts: string[];
  outcome: Promise<StreamOutcome | null>;
}

/** A store whose run has begun and has said "Hello ". */
async function drivingStore(): Promise<Driver> {
  const driver = startedDriver();
  driver.stream.answer();
  driver.stream.send({ kind: "start", attempt: 1, from: 0 }, { kind: "text", offset: 0, text: "Hello " });
  await settle();
  return driver;
}

const driverOf = (stream: ScriptedStream) => ({
  url: "http://127.0.0.1:1/chat-stream",
  streamId: "s",
  runToken: "t".repeat(16),
  fetch: stream.fetch,
});

function startedDriver(): Driver {
  const { store, texts } = newStore();
  const stream = scriptedStream();
  const outcome = driveReply(store, driverOf(stream));
  return { store, stream, texts, outcome };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a driving reply", () => {
  test("shows tokens as they come, reads nothing from the database, and settles with the last word", async () => {
    const { store, stream, texts } = await drivingStore();
    expect(store.getSnapshot()).toMatchObject({
      text: "Hello ",
      status: "running",
      role: "driver",
      feed: "none",
    });
    stream.send(
      { kind: "text", offset: 6, text: "world." },
      { kind: "done", status: "complete", length: 12 },
    );
    await settle();
    expect(store.getSnapshot()).toMatchObject({
      text: "Hello world.",
      status: "complete",
      role: "driver",
      feed: "none",
    });
    expect(texts).toEqual(["", "Hello ", "Hello world."]);
  });

  test("is started once, however often it is asked for", async () => {
    const { store, stream } = await drivingStore();
    const again = { ...driverOf(stream), runToken: "u".repeat(16) };
    expect(await driveReply(store, again)).toBeNull();
    stream.cut();
    await settle();
    expect(await driveReply(store, again)).toBeNull();
    expect(stream.requests).toHaveLength(1);
  });

  test("goes on from the tail after a cut, and nothing on the screen shrinks or comes twice", async () => {
    const { store, stream, texts } = await drivingStore();
    stream.cut();
    await settle();
    expect(store.getSnapshot()).toMatchObject({ text: "Hello ", role: "spectator", feed: "tail" });
    store.receiveHead({ status: "running", attempt: 1 });
    store.receiveTail({ attempt: 1, from: 0, text: "Hel" });
    store.receiveTail({ attempt: 1, from: 0, text: "Hello world" });
    store.receiveTail({ attempt: 1, from: 9, text: "ld, again." });
    store.receiveHead({ status: "complete", attempt: 1 });
    expect(store.getSnapshot()).toMatchObject({ feed: "body", status: "running" });
    store.receiveBody({ text: "Hello world, again.", status: "done" });
    expect(store.getSnapshot()).toMatchObject({
      text: "Hello world, again.",
      status: "complete",
      feed: "none",
    });
    expect(texts).toEqual(["", "Hello ", "Hello world", "Hello world, again."]);
  });

  test.each(["end", "cut"] as const)(
    "becomes a spectator when the body is %s before its last word",
    async (way) => {
      const { store, stream, outcome } = await drivingStore();
      stream[way]();
      expect(await outcome).toEqual({ kind: "cut" });
      expect(store.getSnapshot()).toMatchObject({ text: "Hello ", role: "spectator" });
      expect(store.hasDriven).toBe(true);
    },
  );

  test("becomes a spectator when the stream falls silent", async () => {
    const { store, stream } = await drivingStore();
    await vi.advanceTimersByTimeAsync(12_000);
    expect(store.getSnapshot()).toMatchObject({ text: "Hello ", role: "spectator" });
    expect(stream.isAborted()).toBe(true);
  });

  test.each([409, 429, 503])(
    "that is turned away with %i watches, and may come again",
    async (httpStatus) => {
      const { store, stream, outcome } = startedDriver();
      stream.answer(httpStatus);
      expect(await outcome).toMatchObject({ kind: "refused", httpStatus });
      expect(store.getSnapshot()).toMatchObject({ role: "spectator", feed: "tailAndBody", status: "queued" });
      expect(store.hasDriven).toBe(false);
      const second = scriptedStream();
      void driveReply(store, driverOf(second));
      second.answer();
      second.send({ kind: "start", attempt: 1, from: 0 });
      await settle();
      expect(store.getSnapshot()).toMatchObject({ role: "driver", status: "running" });
    },
  );

  test("does not begin when it has ended", async () => {
    const { store } = newStore({ head: { status: "stopped", attempt: 1 } });
    expect(await driveReply(store, driverOf(scriptedStream()))).toBeNull();
    expect(store.getSnapshot().role).toBe("spectator");
  });

  test("that gets no head in five seconds watches", async () => {
    const { store, stream, outcome } = startedDriver();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await outcome).toEqual({ kind: "stalled", waitingFor: "head" });
    expect(store.getSnapshot().role).toBe("spectator");
    expect(stream.isAborted()).toBe(true);
  });

  test("that wakes after a silence watches; one that was served a moment ago goes on", async () => {
    const { store } = await drivingStore();
    store.wake(6_000);
    expect(store.getSnapshot().role).toBe("driver");
    await vi.advanceTimersByTimeAsync(7_000);
    store.wake(6_000);
    expect(store.getSnapshot()).toMatchObject({ text: "Hello ", role: "spectator" });
  });

  test("lets go of its connection when its run was taken over", async () => {
    const { store, stream } = await drivingStore();
    store.receiveHead({ status: "running", attempt: 2 });
    expect(store.getSnapshot()).toMatchObject({ text: "Hello ", role: "spectator", status: "running" });
    expect(stream.isAborted()).toBe(true);
  });

  test("has a moment for its last words after the database calls the reply complete", async () => {
    const { store, stream } = await drivingStore();
    store.receiveHead({ status: "complete", attempt: 1 });
    stream.send(
      { kind: "text", offset: 6, text: "world." },
      { kind: "done", status: "complete", length: 12 },
    );
    await settle();
    expect(store.getSnapshot()).toMatchObject({ text: "Hello world.", role: "driver", feed: "none" });
  });

  test("reads the body when its last words do not come", async () => {
    const { store } = await drivingStore();
    store.receiveHead({ status: "complete", attempt: 1 });
    await vi.advanceTimersByTimeAsync(1_500);
    expect(store.getSnapshot()).toMatchObject({ role: "spectator", feed: "body" });
    store.receiveBody({ text: "Hello world.", status: "done" });
    expect(store.getSnapshot()).toMatchObject({ text: "Hello world.", status: "complete", feed: "none" });
  });

  test("of a run that goes on from text it does not have leaves both to the database, and never calls nothing a whole reply", async () => {
    const { store, texts } = newStore({ head: { status: "running", attempt: 2 } });
    const stream = scriptedStream();
    void driveReply(store, driverOf(stream));
    const ends: string[] = [];
    store.subscribe(() => ends.push(store.getSnapshot().status));
    stream.answer();
    stream.send({ kind: "start", attempt: 2, from: 5 }, { kind: "done", status: "complete", length: 5 });
    await settle();
    expect(store.getSnapshot()).toMatchObject({ role: "spectator", status: "running", feed: "tailAndBody" });
    expect([texts, ends.filter((status) => status !== "running")]).toEqual([[""], []]);
    expect(stream.isAborted()).toBe(true);
  });

  test("shows a failure at once, with the text so far", async () => {
    const { store, stream } = await drivingStore();
    stream.send({ kind: "error", error: "overloaded", message: "busy" });
    await settle();
    const error = { kind: "overloaded", message: "busy" };
    expect(store.getSnapshot()).toMatchObject({ text: "Hello ", status: "failed", error });
    store.receiveHead({ status: "failed", attempt: 1 });
    store.receiveBody({ text: "Hello ", status: "error" });
    expect(store.getSnapshot()).toMatchObject({ text: "Hello ", status: "failed", feed: "none" });
  });
});

describe("a watched reply", () => {
  test("that has ended is one read of the body", () => {
    const { store } = newStore({ head: { status: "complete", attempt: 1 } });
    expect(store.getSnapshot()).toMatchObject({ feed: "body", textKnown: false });
    store.receiveBody({ text: "", status: "pending" });
    expect(store.getSnapshot().feed).toBe("body");
    store.receiveBody({ text: "All of it.", status: "done" });
    expect(store.getSnapshot()).toMatchObject({ text: "All of it.", feed: "none", textKnown: true });
  });

  test("whose chat is deleted and taken back is read again, not taken for an empty one", () => {
    const { store } = newStore({ head: { status: "complete", attempt: 1 } });
    store.receiveBody({ text: "", status: "error" });
    expect(store.getSnapshot()).toMatchObject({ feed: "body", textKnown: false });
    store.receiveBody({ text: "All of it.", status: "done" });
    expect(store.getSnapshot()).toMatchObject({ text: "All of it.", feed: "none", textKnown: true });
  });

  test("that broke off keeps what was persisted while its chat is deleted, until that is taken back", () => {
    const { store } = newStore({ head: { status: "running", attempt: 1 } });
    store.receiveBody({ text: "Half of", status: "streaming" });
    store.receiveHead({ status: "failed", attempt: 1 });
    store.receiveBody({ text: "", status: "error" });
    expect(store.getSnapshot()).toMatchObject({ text: "Half of", feed: "body" });
    store.receiveBody({ text: "Half of it", status: "error" });
    expect(store.getSnapshot()).toMatchObject({ text: "Half of it", feed: "none" });
  });

  test("reads the body once and then follows the tail", () => {
    const { store, texts } = newStore({ head: { status: "running", attempt: 1 } });
    expect(store.getSnapshot().feed).toBe("tailAndBody");
    store.receiveTail({ attempt: 1, from: 10, text: "klm" });
    expect(store.getSnapshot().feed).toBe("tailAndBody");
    store.receiveBody({ text: "abcdefghijk", status: "streaming" });
    expect(store.getSnapshot()).toMatchObject({ text: "abcdefghijklm", feed: "tail" });
    store.receiveTail({ attempt: 1, from: 12, text: "mno" });
    expect(texts.filter(Boolean)).toEqual(["abcdefghijklm", "abcdefghijklmno"]);
  });

  test("goes back to the body when the tail has moved on past what it has", () => {
    const { store } = newStore({ head: { status: "running", attempt: 1 } });
    store.receiveTail({ attempt: 1, from: 0, text: "abc" });
    store.receiveTail({ attempt: 1, from: 5, text: "fg" });
    expect(store.getSnapshot()).toMatchObject({ text: "abc", feed: "tailAndBody" });
    store.receiveBody({ text: "abcdefg", status: "streaming" });
    expect(store.getSnapshot()).toMatchObject({ text: "abcdefg", feed: "tail" });
  });

  test("needs no body when the tail begins at the beginning", () => {
    const { store } = newStore({ head: { status: "running", attempt: 1 } });
    store.receiveTail({ attempt: 1, from: 0, text: "" });
    expect(store.getSnapshot()).toMatchObject({ feed: "tail", textKnown: true, text: "" });
  });

  test("shows after a reload what the page before it showed, until the database has as much", () => {
    const seed = { attempt: 1, text: "Hello wor", persistedLength: 0, held: null };
    const { store, texts } = newStore({ seed, head: { status: "running", attempt: 1 } });
    expect(store.getSnapshot()).toMatchObject({ text: "Hello wor", feed: "tail" });
    store.receiveTail({ attempt: 1, from: 0, text: "Hello" });
    store.receiveTail({ attempt: 1, from: 2, text: "llo world." });
    expect(texts).toEqual(["Hello wor", "Hello world."]);
  });

  test("that the server starts again is watched again", () => {
    const { store } = newStore({ head: { status: "interrupted", attempt: 2 } });
    store.receiveBody({ text: "Half", status: "error" });
    store.receiveHead({ status: "running", attempt: 3 });
    expect(store.getSnapshot()).toMatchObject({ text: "Half", status: "running", feed: "tail" });
    store.receiveTail({ attempt: 3, from: 0, text: "Half and half" });
    expect(store.getSnapshot().text).toBe("Half and half");
  });
});
