import { describe, expect, test } from "vitest";
import { endOfLastSentence } from "../../../src/chat/sentences.ts";
import { spokenText } from "../../../src/chat/spokenText.ts";
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

describe("what is read aloud of", () => {
  test.each([
    ["## A *slanted* heading", "A slanted heading"],
    ["- [x] done\n* `npm test`\n+ ~~gone~~", "done\nnpm test\ngone"],
    ["> See [the **guide**](https://example.com/a_b).", "See the guide."],
    ["| a | b |\n| --- | :-: |\n| 1 | 2 |", "a b \n 1 2"],
    ["__init__ and snake_case, 2 * 3 * 4", "init and snake_case, 2 * 3 * 4"],
    ["~~~python\npass\n~~~", "pass"],
    ["one\n\n---\n\ntwo", "one\ntwo"],
  ])("%j is %j", (markdown, spoken) => {
    expect(spokenText(markdown)).toBe(spoken);
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

  test("the marks of markdown are not read aloud", () => {
    const begun = { readUpTo: 0, message: "" };
    const text = "Say **hello**.\n\n```ts\nlet a_b = 2 * 3;\n```\n";
    expect(nextAnnouncement(begun, { text, ending: null }).message).toBe("Say hello.\nlet a_b = 2 * 3;");
  });

  test("a reply that is joined in the middle is not read from its beginning", () => {
    const joined = nextAnnouncement(silent, { text: "One. Two. ", ending: null });
    expect(nextAnnouncement(joined, { text: "One. Two. Three. ", ending: null }).message).toBe("Three.");
  });
});
