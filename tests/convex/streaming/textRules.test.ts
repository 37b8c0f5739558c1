import { describe, expect, test } from "vitest";
import { cutAt, pieces } from "../../../convex/model/textPieces.ts";
import { WellFormedText } from "../../../convex/streaming/wellFormedText.ts";
import { randomNumbers, randomPieces, randomText } from "../../support/randomText.ts";

/** What comes out when `text` goes in in these pieces. */
function through(filter: WellFormedText, input: string[]): string {
  return input.map((piece) => filter.push(piece)).join("") + filter.end();
}

describe("well-formed text", () => {
  test("a surrogate pair that arrives in two pieces comes out as one character", () => {
    const filter = new WellFormedText();
    expect(filter.push("a\ud83d")).toBe("a");
    expect(filter.push("\ude00b")).toBe("😀b");
    expect(filter.end()).toBe("");
  });

  test("a lone surrogate becomes U+FFFD, wherever it stands", () => {
    expect(through(new WellFormedText(), ["\ude00a\ud83d", "b", "\ud83d"])).toBe("\ufffda\ufffdb\ufffd");
  });

  test("two high surrogates in a row lose the first and wait for the second's half", () => {
    expect(through(new WellFormedText(), ["\ud83d", "\ud83d", "\ude00"])).toBe("\ufffd😀");
  });

  test("any text in any pieces comes out the same, and every piece is well-formed", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = randomNumbers(seed);
      const text = randomText(random, 50);
      const filter = new WellFormedText();
      const output = randomPieces(random, text, 4).map((piece) => filter.push(piece));
      expect(output.every((piece) => piece.isWellFormed())).toBe(true);
      expect(output.join("") + filter.end()).toBe(text);
    }
  });
});

describe("cuts by length", () => {
  test("pieces are the text, and none splits a surrogate pair or is longer than asked", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const text = randomText(randomNumbers(seed), 60);
      for (const maxLength of [2, 7]) {
        const cut = [...pieces(text, maxLength)];
        expect(cut.join("")).toBe(text);
        expect(cut.every((piece) => piece.isWellFormed() && piece.length <= maxLength)).toBe(true);
      }
    }
    expect([...pieces("", 7)]).toEqual([]);
  });

  test("a cut leaves out the character it would split", () => {
    expect(cutAt("ab😀", 3)).toBe("ab");
    expect(cutAt("ab😀", 4)).toBe("ab😀");
    expect(cutAt("a😀b", 3)).toBe("a😀");
    expect(cutAt("abc", 7)).toBe("abc");
  });
});
