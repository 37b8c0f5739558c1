import { beforeEach, describe, expect, test } from "vitest";
import { keepReplyTexts, takeKeptReplyTexts } from "../../../src/streaming/keptReplyTexts.ts";
import { ReplyStores } from "../../../src/streaming/replyStores.ts";
import { scriptedStream } from "./scriptedStream.ts";

beforeEach(() => {
  sessionStorage.clear();
});

describe("the stores of a tab", () => {
  test("a stream has one store", () => {
    const stores = new ReplyStores();
    expect(stores.get("a")).toBe(stores.get("a"));
    expect(stores.get("a")).not.toBe(stores.get("b"));
  });

  test("a reply is asked for once", () => {
    const stores = new ReplyStores();
    const stream = scriptedStream();
    const options = {
      url: "http://127.0.0.1:1/",
      streamId: "a",
      runToken: "t".repeat(16),
      fetch: stream.fetch,
    };
    stores.drive(options);
    stores.drive(options);
    expect(stream.requests).toHaveLength(1);
    stores.get("a").close();
  });

  test("old stores that nobody watches are let go; watched and driving ones stay", () => {
    const stores = new ReplyStores();
    const watched = stores.get("watched");
    watched.subscribe(() => {});
    const forgotten = stores.get("forgotten");
    for (let index = 0; index < 400; index += 1) stores.get(`other ${index}`);
    expect(stores.get("watched")).toBe(watched);
    expect(stores.get("forgotten")).not.toBe(forgotten);
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

  test("what stands in the storage and is not ours is left out", () => {
    sessionStorage.setItem("duet.unfinishedReplies", '{"a":{"attempt":"1"},"b":{"attempt":1,"text":"fine"}}');
    expect([...takeKeptReplyTexts().keys()]).toEqual(["b"]);
    sessionStorage.setItem("duet.unfinishedReplies", "{");
    expect(takeKeptReplyTexts().size).toBe(0);
  });
});
