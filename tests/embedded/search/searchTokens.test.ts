import { expect, test } from "vitest";

import { searchTokens } from "../../../embedded/search/searchTokens.ts";

test.each([
  ["Hello, World! it's 3.5", ["hello", "world", "it", "s", "3", "5"]],
  ["", []],
  ["  \n\t—…", []],
  ["ÉCOLE Straße ΑΣ", ["école", "straße", "ασ"]],
  ["snake_case kebab-case a.b", ["snake", "case", "kebab", "case", "a", "b"]],
  ["日本語 テキスト", ["日本語", "テキスト"]],
  ["½ Ⅷ ٣", ["½", "ⅷ", "٣"]],
  ["😀smile\u{1f600}", ["smile"]],
  ['"quoted" OR NEAR(a* b) col:x', ["quoted", "or", "near", "a", "b", "col", "x"]],
])("the words of %j", (text, words) => {
  expect([...searchTokens(text)]).toEqual(words);
});

test("a word of 32 bytes or more is left out, whatever its number of characters", () => {
  expect([...searchTokens(`${"a".repeat(31)} ${"b".repeat(32)}`)]).toEqual(["a".repeat(31)]);
  expect([...searchTokens(`${"語".repeat(10)} ${"語".repeat(11)}`)]).toEqual(["語".repeat(10)]);
});
