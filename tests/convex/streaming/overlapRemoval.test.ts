import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OverlapRemoval } from "../../../convex/streaming/overlapRemoval.ts";
import { randomNumbers, randomPieces } from "../../support/randomText.ts";

/** What comes out when `input` goes in in these pieces. */
function through(filter: OverlapRemoval, input: string[]): string {
  return input.map((piece) => filter.push(piece)).join("") + filter.end();
}

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

describe("a continuation that does not continue exactly", () => {
  const before = "The lease ends after fifteen seconds of silence, and then the run is taken up.";

  test.each([
    [
      "repeats with other white space",
      "after  fifteen seconds of silence, and then\nthe run is taken up. More.",
    ],
    [
      "begins with a preamble",
      "Sure, continuing:\n\nafter fifteen seconds of silence, and then the run is taken up. More.",
    ],
    ["starts over in other words", "The lease ends after ten seconds of silence. More."],
    ["starts over from the top and stops there", "The lease ends after fifteen"],
  ])("and %s stays as it is: nobody can tell it from what is meant", (_name, continuation) => {
    expect(through(new OverlapRemoval(before), [continuation])).toBe(continuation);
  });
});

describe("a model that starts over from the top of a long text", () => {
  const before = Array.from({ length: 60 }, (_, index) => `Sentence ${index}.`).join(" ");

  test("and repeats all of it has only what follows kept, in whatever pieces it comes", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const input = randomPieces(randomNumbers(seed), `${before} And on.`, 90);
      expect(through(new OverlapRemoval(before), input)).toBe(" And on.");
    }
  });

  test("says nothing while it repeats, and goes on at once behind it", () => {
    const filter = new OverlapRemoval(before);
    expect(filter.push(before.slice(0, 500))).toBe("");
    expect(filter.push(`${before.slice(500)} And`)).toBe(" And");
    expect(filter.push(" on.")).toBe(" on.");
  });

  test("and then takes another way has all of it kept", () => {
    const other = `${before.slice(0, 500)}Something else.`;
    const filter = new OverlapRemoval(before);
    expect(filter.push(other)).toBe(other);
  });

  test("and ends within it has all of it kept: a poem may close with its first stanza", () => {
    expect(through(new OverlapRemoval(before), [before.slice(0, 300)])).toBe(before.slice(0, 300));
  });

  test.each([30, 105, 150])("keeps what may be the next of equal parts of %i characters", (length) => {
    const part = `${"abcdefghij".repeat(20).slice(0, length - 5)} end\n`;
    const rows = part.repeat(3);
    expect(through(new OverlapRemoval(rows), [`${rows}end`])).toBe(`${rows}end`);
  });
});

/** Few letters, so that repetitions by chance are common; or many words, so that they are not. */
const prose = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", " "), maxLength: 600 }),
  fc
    .array(fc.constantFrom("lease ", "日本語。", "😀", "run. ", "7", "\n", "and ", "x1 "), { maxLength: 300 })
    .map((words) => words.join("")),
);

interface Made {
  before: string;
  continuation: string;
  cuts: number[];
}

const made: fc.Arbitrary<Made> = fc
  .record({
    before: prose,
    rest: prose,
    repeated: fc.nat(700),
    isFromTop: fc.boolean(),
    cuts: fc.array(fc.nat(80)),
  })
  .map(({ before, rest, repeated, isFromTop, cuts }) => {
    const repetition = isFromTop
      ? before.slice(0, repeated)
      : before.slice(Math.max(0, before.length - repeated));
    return { before, continuation: (repetition + rest).toWellFormed(), cuts };
  });

function inPieces({ continuation, cuts }: Made): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const cut of cuts) {
    pieces.push(continuation.slice(start, start + cut));
    start += cut;
  }
  return [...pieces, continuation.slice(start)];
}

describe("whatever was persisted and however it goes on", () => {
  test("only an exact repetition at the very beginning is removed, and nothing else is lost", () => {
    fc.assert(
      fc.property(made, (example) => {
        const { before, continuation } = example;
        const output = through(new OverlapRemoval(before), inPieces(example));
        expect(continuation.endsWith(output)).toBe(true);
        const removed = continuation.slice(0, continuation.length - output.length);
        const isLastWords = removed.length >= 20 && removed.length <= 200 && before.endsWith(removed);
        expect(removed === "" || isLastWords || removed === before).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("the pieces in which it comes make no difference", () => {
    fc.assert(
      fc.property(made, (example) => {
        const whole = through(new OverlapRemoval(example.before), [example.continuation]);
        expect(through(new OverlapRemoval(example.before), inPieces(example))).toBe(whole);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a repetition of last words that stands nowhere else is always removed", () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.uuid(),
        fc.uuid(),
        fc.integer({ min: 20, max: 36 }),
        (start, end, rest, length) => {
          const before = `${start}${end}`;
          expect(through(new OverlapRemoval(before), [before.slice(-length) + rest])).toBe(rest);
        },
      ),
    );
  });
});
