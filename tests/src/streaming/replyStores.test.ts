import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { driveReply } from "../../../src/streaming/driveReply.ts";
import { keepReplyTexts, takeKeptReplyTexts } from "../../../src/streaming/keptReplyTexts.ts";
import { keepTextsAcrossReloads, ReplyStores } from "../../../src/streaming/replyStores.ts";
import { scriptedStream } from "./scriptedStream.ts";

const streamIds = Array.from({ length: 400 }, (_, index) => `stream ${index}`);

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the stores of a tab", () => {
  test("a stream has one store", () => {
    const stores = new ReplyStores();
    expect(stores.get("a")).toBe(stores.get("a"));
    expect(stores.get("a")).not.toBe(stores.get("b"));
  });

  test("old stores that nobody watches are let go; watched and driving ones stay", async () => {
    const stores = new ReplyStores();
    const watched = stores.get("watched");
    watched.subscribe(() => {});
    const { fetch } = scriptedStream();
    const driving = stores.get("driving");
    const runToken = "t".repeat(16);
    const url = "http://127.0.0.1:1/";
    void driveReply(driving, { url, streamId: "driving", runToken, fetch, headTimeoutMs: 3_600_000 });
    const forgotten = stores.get("forgotten");
    const made = streamIds.map((streamId) => stores.get(streamId));
    await vi.runOnlyPendingTimersAsync();
    expect(stores.get("watched")).toBe(watched);
    expect(stores.get("driving")).toBe(driving);
    expect(stores.get("forgotten")).not.toBe(forgotten);
    expect(stores.get(streamIds.at(-1) ?? "")).toBe(made.at(-1));
  });

  test("no store that one render asked for is let go before the page watches it", async () => {
    const stores = new ReplyStores();
    const rendered = streamIds.map((streamId) => stores.get(streamId));
    const renderedAgain = streamIds.map((streamId) => stores.get(streamId));
    expect(renderedAgain.filter((store, index) => store !== rendered[index])).toEqual([]);
    for (const store of rendered) store.subscribe(() => {});
    await vi.runOnlyPendingTimersAsync();
    expect(streamIds.filter((streamId, index) => stores.get(streamId) !== rendered[index])).toEqual([]);
  });

  test("an unfinished text goes over to the next page, once", () => {
    const before = new ReplyStores(
      new Map([["a", { attempt: 2, text: "Half", persistedLength: 0, held: null }]]),
    );
    before.get("a");
    before.get("empty");
    keepReplyTexts(before.unsettledTexts());
    const after = new ReplyStores(takeKeptReplyTexts());
    expect(after.get("a").getSnapshot().text).toBe("Half");
    expect(takeKeptReplyTexts().size).toBe(0);
  });

  test.each([
    ["is left", () => window.dispatchEvent(new Event("pagehide")), "visible"],
    ["goes out of sight", () => document.dispatchEvent(new Event("visibilitychange")), "hidden"],
  ] as const)("an unfinished text is kept when the page %s", (_name, happen, visibility) => {
    const stores = new ReplyStores(
      new Map([["a", { attempt: 1, text: "Half", persistedLength: 0, held: null }]]),
    );
    stores.get("a");
    const stop = keepTextsAcrossReloads(stores);
    const seen = vi.spyOn(document, "visibilityState", "get").mockReturnValue(visibility);
    happen();
    expect([...takeKeptReplyTexts().values()].map(({ text }) => text)).toEqual(["Half"]);
    stop();
    happen();
    expect(takeKeptReplyTexts().size).toBe(0);
    seen.mockRestore();
  });

  test("what a dead attempt showed stays on the screen when the page is loaded again", () => {
    const dead = { attempt: 1, text: "One two three", persistedLength: 4, held: null };
    const head = { status: "running", attempt: 2 } as const;
    for (const successor of ["", "tw"]) {
      const before = new ReplyStores(new Map([["a", dead]]));
      before.get("a", head).receiveTail({ attempt: 2, from: 4, text: successor });
      expect(before.get("a").getSnapshot().text).toBe("One two three");
      keepReplyTexts(before.unsettledTexts());
      const after = new ReplyStores(takeKeptReplyTexts()).get("a", head);
      expect(after.getSnapshot().text).toBe("One two three");
      after.receiveTail({ attempt: 2, from: 0, text: "One two" });
      expect(after.getSnapshot().text).toBe("One two three");
      after.receiveTail({ attempt: 2, from: 0, text: "One two 3" });
      expect(after.getSnapshot().text).toBe("One two 3");
    }
  });

  test("what a dead attempt showed is kept though nothing of the reply was persisted", () => {
    const nothingPersisted = { attempt: 2, text: "", persistedLength: 0, held: "One two" };
    keepReplyTexts(new Map([["a", nothingPersisted]]));
    const before = new ReplyStores(takeKeptReplyTexts());
    before.get("a");
    keepReplyTexts(before.unsettledTexts());
    expect(takeKeptReplyTexts()).toEqual(new Map([["a", nothingPersisted]]));
  });

  test("a held text that does not begin with its attempt's text is left out", () => {
    const kept = (held: unknown) => ({ attempt: 2, text: "One two", held });
    const written = { a: kept("Another reply"), b: kept("One"), c: kept(3), d: kept("One two three") };
    sessionStorage.setItem("duet.unfinishedReplies", JSON.stringify(written));
    expect([...takeKeptReplyTexts().values()].map(({ held }) => held)).toEqual([
      null,
      null,
      null,
      "One two three",
    ]);
  });

  test("what stands in the storage and is not ours is left out", () => {
    sessionStorage.setItem("duet.unfinishedReplies", '{"a":{"attempt":"1"},"b":{"attempt":1,"text":"fine"}}');
    expect([...takeKeptReplyTexts().keys()]).toEqual(["b"]);
    sessionStorage.setItem("duet.unfinishedReplies", "{");
    expect(takeKeptReplyTexts().size).toBe(0);
  });
});
