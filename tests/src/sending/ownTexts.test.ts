import { expect, test } from "vitest";
import { keepOwnText, ownTexts } from "../../../src/sending/ownTexts.ts";

test("the oldest own texts are let go when they have become many; the last one never", () => {
  const long = "x".repeat(400_000);
  for (const requestId of ["r1", "r2", "r3"]) keepOwnText(requestId, long);
  expect([...ownTexts.keys()]).toEqual(["r2", "r3"]);
  keepOwnText("r4", long.repeat(4));
  expect([...ownTexts.keys()]).toEqual(["r4"]);
  keepOwnText("r5", "short");
  expect([...ownTexts.keys()]).toEqual(["r5"]);
});
