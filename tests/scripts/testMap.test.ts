/** `tests/README.md` says which test guards which promise: it names no test that does not exist. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const testsFolder = join(import.meta.dirname, "..");

test("every test that the map of tests names is there", () => {
  const map = readFileSync(join(testsFolder, "README.md"), "utf8");
  const rows = [...map.matchAll(/^\|.*\| `([^`]+)`: (.+) \|$/gm)];
  const missing = rows.filter(([, file = "", words = ""]) => {
    const named = readFileSync(join(testsFolder, file), "utf8");
    return !named.includes(words);
  });
  expect(missing.map(([row]) => row)).toEqual([]);
  expect(rows.length).toBeGreaterThan(30);
});
