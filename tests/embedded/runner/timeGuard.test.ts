/** Work that is ended from outside: by the guard's own clock, or by whoever ends the thread because its memory is used up. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { runWithin } from "../../../embedded/runner/timeGuard.ts";

/** What a process tells whose work of this limit another thread ends after so long. */
async function endedWork(limitMs: number, endAfterMs: number): Promise<unknown> {
  const script = fileURLToPath(new URL("../../support/endedWork.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    String(limitMs),
    String(endAfterMs),
  ]);
  return JSON.parse(stdout);
}

test("work that is ended long before its time was ended for the thread's memory; a thread that runs more does not end", async () => {
  expect(await endedWork(600_000, 0)).toEqual({ first: [false, true], next: [true, false] });
});

test("work that is ended a little early was ended by the clock, which is another thread's", async () => {
  // Where this comes late, the guard's own clock ends the work, and the same must come of it.
  expect(await endedWork(3_000, 2_450)).toEqual({ first: [false, false], next: [true, false] });
});

test("work inside of work has no limit of its own, and what it throws passes through", () => {
  expect(() => runWithin(60_000, () => runWithin(0.001, () => JSON.parse("{")))).toThrow(SyntaxError);
});
