/** For every file of browser tests: none of its pages had an error, in the page or in the console. */
import { afterAll } from "vitest";
import { pageProblems } from "./pageProblems.ts";

afterAll(() => {
  const problems = pageProblems();
  if (problems.length > 0) throw new Error(`The pages of this file had errors:\n${problems.join("\n")}`);
});
