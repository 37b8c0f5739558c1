import { describe, expect, test } from "vitest";
import { cutAt, pieces } from "../../../convex/model/textPieces.ts";
import { OverlapRemoval } from "../../../convex/streaming/overlapRemoval.ts";
import { WellFormedText } from "../../../convex/streaming/wellFormedText.ts";
import { randomNumbers, randomPieces, randomText } from "../../support/randomText.ts";

/** What comes out when `text` goes in in these pieces. */
function through(filter: WellFormedText | OverlapRemoval, input: string[]): string {
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

describe("overlap removal", () => {
  const before = "The lease ends after fifteen seconds of silence.";

  test("an exact repetition of the last words is removed, in whatever pieces it comes", () => {
    const repeated = "after fifteen seconds of silence.";
    for (let seed = 1; seed <= 50; seed++) {
      const input = randomPieces(randomNumbers(seed), `${repeated} Then it is over.`, 9);
      expect(through(new OverlapRemoval(before), input)).toBe(" Then it is over.");
    }
  });

  test("a repetition shorter than twenty characters stays: it may be meant", () => {
    expect(through(new OverlapRemoval(before), ["seconds of silence.", " More."])).toBe(
      "seconds of silence. More.",
    );
  });

  test("a repetition that differs in one character stays", () => {
    const almost = "after fifteen seconds of Silence.";
    expect(through(new OverlapRemoval(before), [almost])).toBe(almost);
  });

  test("a repetition of two hundred characters is found and removed", () => {
    const numbers = Array.from({ length: 100 }, (_, index) => String(index)).join(" ");
    expect(through(new OverlapRemoval(numbers), [numbers.slice(-200), "end"])).toBe("end");
  });

  test.each([1, 4, 6, 9])(
    "of equal rows that go on with %i more, none is taken for a repetition",
    (count) => {
      const row = "| yes | no | perhaps |\n";
      const continuation = `${row.repeat(count)}end`;
      for (const table of [row.repeat(6), `| a | b | c |\n${row.repeat(2)}`, row.repeat(2)]) {
        expect(through(new OverlapRemoval(table), [continuation])).toBe(continuation);
      }
    },
  );

  test("what stands in the text more than once stays: the model may mean it once more", () => {
    const refrain = "Row, row, row your boat, gently down the stream.\n";
    const song = `${refrain}Merrily, merrily, merrily, merrily.\n${refrain}`;
    expect(through(new OverlapRemoval(song), [refrain, "Life is but a dream."])).toBe(
      `${refrain}Life is but a dream.`,
    );
  });

  test("only the first two hundred characters are held back", () => {
    const filter = new OverlapRemoval(before);
    expect(filter.push("y".repeat(199))).toBe("");
    expect(filter.push("yz")).toBe(`${"y".repeat(200)}z`);
    expect(filter.push("and on")).toBe("and on");
  });

  test("a first attempt is not held back at all", () => {
    expect(new OverlapRemoval("").push("Hello")).toBe("Hello");
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
