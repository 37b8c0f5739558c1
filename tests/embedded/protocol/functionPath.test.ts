import { expect, test } from "vitest";
import { checkedFunctionName } from "../../../embedded/protocol/functionPath.ts";

test.each([
  ["messages:send", "messages.js:send"],
  ["messages.js:send", "messages.js:send"],
  ["messages", "messages.js:default"],
  ["admin/users:list", "admin/users.js:list"],
  ["_system/cli/tables", "_system/cli/tables.js:default"],
])("%s names a function", (path, name) => {
  expect(checkedFunctionName(path)).toBe(name);
});

test.each([
  ["", "doesn't have a filename"],
  ["a/../b:c", "Invalid path component .."],
  ["/etc/passwd:c", "Module paths must be relative"],
  ["a.ts:c", "has an extension that isn't 'js'"],
  ["a:b:c", "can only contain alphanumeric characters, underscores, or periods"],
  ["a b:c", "can only contain alphanumeric characters, underscores, or periods"],
  ["___:c", "must have at least one alphanumeric character"],
  [`${"x".repeat(65)}:c`, "Path component is too long (65 > maximum 64)"],
  ["a:", "Identifier cannot be empty"],
  ["a:1b", "Invalid first character '1'"],
  ["a:b-c", "has invalid character '-'"],
  ["a:__", "cannot have exclusively underscores"],
  ["a/".repeat(5_000), "too long"],
])("%s is refused with Convex's reason", (path, reason) => {
  expect(() => checkedFunctionName(path)).toThrow(reason);
});

test("a refusal repeats no more of a long path than helps", () => {
  expect(() => checkedFunctionName("x".repeat(1_000_000))).toThrow(/^.{0,300}$/);
});
