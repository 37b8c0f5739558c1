import { compareValues } from "convex/values";
import { expect, test } from "vitest";

import type { Value } from "../../../embedded/values/convexJson.ts";
import { indexKey, keyAfter, keyAfterPrefix } from "../../../embedded/values/indexKey.ts";

/** A small generator with a seed, so that a failure can be run again. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const INTERESTING: (Value | undefined)[] = [
  undefined,
  null,
  0n,
  -1n,
  1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  0,
  -0,
  1,
  -1,
  0.1,
  -0.1,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  Infinity,
  -Infinity,
  NaN,
  false,
  true,
  "",
  "a",
  "a\0",
  "a\0b",
  "a\u0001",
  "ab",
  "\u{10ffff}",
  "\uffff",
  "é",
  new ArrayBuffer(0),
  new Uint8Array([0]).buffer,
  new Uint8Array([0, 0]).buffer,
  new Uint8Array([0, 255]).buffer,
  new Uint8Array([255]).buffer,
  [],
  [null],
  [[]],
  [0, 1],
  {},
  { a: 1 },
  { a: 1, b: null },
  { b: 0 },
];

function randomValue(random: () => number, depth: number): Value {
  const pick = Math.floor(random() * (depth > 0 ? 6 : 4));
  if (pick === 4)
    return Array.from({ length: Math.floor(random() * 3) }, () => randomValue(random, depth - 1));
  if (pick === 5) {
    const fields = ["a", "b", "ab"].filter(() => random() < 0.5);
    return Object.fromEntries(fields.map((field) => [field, randomValue(random, depth - 1)]));
  }
  if (pick === 3) {
    return Array.from({ length: Math.floor(random() * 4) }, () =>
      String.fromCodePoint([0, 1, 97, 98, 255, 0xe000, 0x1f600][Math.floor(random() * 7)] ?? 97),
    ).join("");
  }
  if (pick === 2) return (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20);
  const value = INTERESTING[1 + Math.floor(random() * (INTERESTING.length - 1))];
  return value ?? null;
}

function sameSign(a: number, b: number): boolean {
  return Math.sign(a) === Math.sign(b);
}

test("keys of the special values are in the order of compareValues", () => {
  for (const [i, left] of INTERESTING.entries()) {
    for (const [j, right] of INTERESTING.entries()) {
      const byKey = Buffer.compare(indexKey([left]), indexKey([right]));
      expect(sameSign(byKey, compareValues(left, right)), `values ${i} and ${j}`).toBe(true);
    }
  }
});

test("keys of random tuples are in the order of compareValues, field by field", () => {
  const random = randomFrom(7);
  const tuples = Array.from({ length: 300 }, () => [randomValue(random, 2), randomValue(random, 2)]);
  for (const left of tuples) {
    for (const right of tuples.slice(0, 100)) {
      const byValue = compareValues(left[0], right[0]) || compareValues(left[1], right[1]);
      expect(sameSign(Buffer.compare(indexKey(left), indexKey(right)), byValue)).toBe(true);
    }
  }
});

test("every tuple lies between its prefix and the key after the prefix", () => {
  const random = randomFrom(11);
  for (let round = 0; round < 500; round++) {
    const first = randomValue(random, 2);
    const prefix = indexKey([first]);
    const key = indexKey([first, randomValue(random, 2)]);
    const end = keyAfterPrefix(prefix);
    expect(Buffer.compare(prefix, key)).toBeLessThan(0);
    expect(end && Buffer.compare(key, end)).toBeLessThan(0);
  }
});

test("a string does not lie inside the prefix of a shorter one", () => {
  const end = keyAfterPrefix(indexKey(["a"]));
  expect(end && Buffer.compare(indexKey(["ab"]), end)).toBeGreaterThan(0);
  expect(end && Buffer.compare(indexKey(["a\0"]), end)).toBeGreaterThan(0);
});

test("the key after a key is greater than it and not greater than any other greater key", () => {
  const key = indexKey(["a"]);
  expect(Buffer.compare(keyAfter(key), key)).toBeGreaterThan(0);
  expect(Buffer.compare(keyAfter(key), indexKey(["a", undefined]))).toBeLessThanOrEqual(0);
});

test("the empty prefix has no key after it", () => {
  expect(keyAfterPrefix(indexKey([]))).toBeNull();
});
