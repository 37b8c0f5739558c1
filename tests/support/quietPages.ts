/** For every file of browser tests: its pages end with their tests, and none had an error, in the page or in the console. */
import { afterAll, aroundEach } from "vitest";
import { pageProblems } from "./pageProblems.ts";
import { closingTabs } from "./tabsOfTest.ts";

aroundEach(closingTabs);

afterAll(() => {
  const problems = pageProblems();
  if (problems.length > 0) throw new Error(`The pages of this file had errors:\n${problems.join("\n")}`);
});
