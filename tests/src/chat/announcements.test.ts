import { describe, expect, test } from "vitest";
import { endOfLastSentence } from "../../../src/chat/sentences.ts";
import { nextAnnouncement } from "../../../src/chat/useReplyAnnouncement.ts";

describe("the end of the last sentence", () => {
  test.each([
    ["One. Two", 5],
    ["One. Two. ", 10],
    ["No end yet", 0],
    ["A line\nand more", 7],
    ["Version 1.2 is", 0],
    ["「はい。」次", 5],
    ["Really?! Yes", 9],
    ["**Bold.** Then", 10],
  ])("of %j is at %i", (text, end) => {
    expect(endOfLastSentence(text, 0)).toBe(end);
  });

  test("is not looked for before the place that was read", () => {
    expect(endOfLastSentence("One. Two", 5)).toBe(5);
  });
});

describe("what is announced of a reply", () => {
  const silent = { readUpTo: null, message: "" };

  test("an old reply stays silent", () => {
    expect(nextAnnouncement(silent, { text: "Long ago.", ending: "Reply complete." })).toBe(silent);
  });

  test("a reply is announced once, then by whole sentences, then to its end", () => {
    const begun = nextAnnouncement(silent, { text: "", ending: null });
    expect(begun.message).toBe("The assistant is replying.");
    expect(nextAnnouncement(begun, { text: "Half a sen", ending: null })).toBe(begun);
    const first = nextAnnouncement(begun, { text: "One. Two. Thr", ending: null });
    expect(first.message).toBe("One. Two.");
    const last = nextAnnouncement(first, { text: "One. Two. Three", ending: "Reply complete." });
    expect(last).toEqual({ readUpTo: null, message: "Three Reply complete." });
  });

  test("a reply that is joined in the middle is not read from its beginning", () => {
    const joined = nextAnnouncement(silent, { text: "One. Two. ", ending: null });
    expect(nextAnnouncement(joined, { text: "One. Two. Three. ", ending: null }).message).toBe("Three.");
  });
});
