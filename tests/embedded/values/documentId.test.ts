import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";

import { idProblem, newDocumentId, tableNumberOfId } from "../../../embedded/values/documentId.ts";

test("an id tells the number of its table", () => {
  for (const table of [1, 127, 128, 10_001, 16_383, 16_384, 2 ** 31]) {
    expect(tableNumberOfId(newDocumentId(table, (count) => randomBytes(count)))).toBe(table);
  }
});

test("an id is 31 to 37 characters of Convex's alphabet", () => {
  for (let round = 0; round < 200; round++) {
    expect(newDocumentId(10_001 + round, (count) => randomBytes(count))).toMatch(
      /^[0-9a-hjkmnp-tv-z]{31,37}$/,
    );
  }
});

test("a string with one changed letter is no id", () => {
  const id = newDocumentId(10_001, (count) => randomBytes(count));
  for (let position = 0; position < id.length; position++) {
    const other = id[position] === "0" ? "1" : "0";
    expect(tableNumberOfId(id.slice(0, position) + other + id.slice(position + 1))).toBeNull();
  }
});

test("other strings are no ids", () => {
  const id = newDocumentId(10_001, (count) => randomBytes(count));
  for (const text of ["", "abc", id.toUpperCase(), `${id}0`, id.slice(1), "l".repeat(32), "0".repeat(32)]) {
    expect(tableNumberOfId(text)).toBeNull();
  }
});

test("a huge string is no id, and is not decoded to find that out", () => {
  const huge = "0".repeat(50_000_000);
  expect(tableNumberOfId(huge)).toBeNull();
  expect(idProblem(huge)).toBe("Invalid ID length 50000000");
});

test("what is wrong with an id is told in Convex's words", () => {
  expect(idProblem("abc")).toBe("Invalid ID length 3");
  expect(idProblem("l".repeat(32))).toBe("ID wasn't valid base32");
});
