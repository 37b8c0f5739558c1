import { afterEach, expect, test, vi } from "vitest";
import { LiveReads } from "../../../embedded/transaction/liveReads.ts";
import { IndexReads } from "../../../embedded/transaction/readSet.ts";
import { IndexWrites } from "../../../embedded/transaction/writeSet.ts";
import { indexKey, keyAfterPrefix } from "../../../embedded/values/indexKey.ts";

afterEach(() => vi.restoreAllMocks());

/** The same numbers in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function writesOf(...keys: [indexId: number, ...values: (number | string)[]][]): IndexWrites {
  const writes = new IndexWrites();
  for (const [indexId, ...values] of keys) writes.add(indexId, indexKey(values));
  return writes;
}

function rangeOf(indexId: number, prefix: string): IndexReads {
  const reads = new IndexReads();
  const lower = indexKey([prefix]);
  reads.add(indexId, { lower, upper: keyAfterPrefix(lower) });
  return reads;
}

/** From and to, as numbers; null is the end of the index. */
type PlainInterval = [indexId: number, from: number, to: number | null];

test.each([1, 2, 3, 4, 5, 6])(
  "a commit touches exactly the results that read a key it wrote (seed %i)",
  (seed) => {
    const below = numbers(seed);
    const live = new LiveReads<number>();
    const all = new Map<number, { reads: IndexReads; plain: PlainInterval[] }>();
    const randomReads = (): { reads: IndexReads; plain: PlainInterval[] } => {
      const reads = new IndexReads();
      // Some overlap, some meet, some are empty, and a reader widens what it has recorded.
      const plain = Array.from({ length: below(6) }, (): PlainInterval => {
        const from = below(100);
        return [below(3), from, below(10) === 0 ? null : from + below(12)];
      });
      for (const [indexId, from, to] of plain) {
        const lower = indexKey([from]);
        const recorded = reads.add(indexId, { lower, upper: lower });
        recorded.upper = to === null ? null : indexKey([to]);
      }
      return { reads, plain };
    };
    for (let step = 0; step < 400; step++) {
      const owner = below(60);
      if (below(5) === 0) {
        live.delete(owner);
        all.delete(owner);
      } else {
        const read = randomReads();
        live.set(owner, read.reads);
        all.set(owner, read);
      }
      const written = [
        [below(3), below(110)],
        [below(3), below(110)],
      ] as const;
      const writes = writesOf(...written.map(([indexId, key]): [number, number] => [indexId, key]));
      const isRead = ([indexId, from, to]: PlainInterval): boolean =>
        written.some(([index, key]) => index === indexId && from <= key && (to === null || key < to));
      const expected = [...all].filter(([, { plain }]) => plain.some(isRead)).map(([one]) => one);
      expect(live.touchedBy(writes)).toEqual(new Set(expected));
      for (const [one, { reads }] of all) expect(reads.isTouchedBy(writes)).toBe(expected.includes(one));
    }
  },
);

test("what does not read intervals is asked, and a change of code touches everything", () => {
  const live = new LiveReads<string>();
  live.set("range", rangeOf(1, "a"));
  live.set("moment", { isTouchedBy: () => true });
  live.set("nothing", new IndexReads());
  expect([...live.touchedBy(writesOf([1, "b"]))]).toEqual(["moment"]);
  expect(live.touchedBy(IndexWrites.ofEverything())).toEqual(new Set(["moment", "range", "nothing"]));
  live.set("moment", rangeOf(1, "b"));
  expect([...live.touchedBy(writesOf([1, "b"]))]).toEqual(["moment"]);
  expect([...live.touchedBy(writesOf([1, "c"]))]).toEqual([]);
});

test("a commit looks at the more results only as deep as their tree is", () => {
  const comparisons = [100, 10_000].map((count) => {
    const live = new LiveReads<number>();
    for (let owner = 0; owner < count; owner++) live.set(owner, rangeOf(1, `chat ${owner}`));
    const compare = vi.spyOn(Buffer, "compare");
    expect([...live.touchedBy(writesOf([1, "chat 77", 1]))]).toEqual([77]);
    const { length } = compare.mock.calls;
    compare.mockRestore();
    return length;
  });
  expect(comparisons[1]).toBeLessThan(comparisons[0]! * 4);
  expect(comparisons[1]).toBeLessThan(120);
});

test("a result that is read again from the same intervals costs no look at the others", () => {
  const live = new LiveReads<number>();
  for (let owner = 0; owner < 1000; owner++) live.set(owner, rangeOf(1, `chat ${owner}`));
  const compare = vi.spyOn(Buffer, "compare");
  live.set(500, rangeOf(1, "chat 500"));
  // Only whether its own interval is empty.
  expect(compare).toHaveBeenCalledTimes(1);
});
