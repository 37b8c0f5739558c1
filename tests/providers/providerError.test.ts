/** What was thrown by something that nobody foresaw, as a person gets to read it. */
import { expect, test } from "vitest";
import { asProviderError } from "../../convex/providers/provider.ts";

test.each([
  ["an error", new Error("The disk is full."), "The disk is full."],
  ["a sentence", "The disk is full.", "The disk is full."],
  ["an object with a sentence", { message: "The disk is full." }, "The disk is full."],
  ["an object without words", { code: 7 }, "The model's server failed and gave no reason."],
  ["an error without words", new Error(""), "The model's server failed and gave no reason."],
  ["nothing", undefined, "The model's server failed and gave no reason."],
])("%s that is thrown is told in words, never as an object", (_what, thrown, message) => {
  expect(asProviderError(thrown)).toMatchObject({ kind: "unknown", message, cause: thrown });
});
