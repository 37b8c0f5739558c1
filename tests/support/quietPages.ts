/** For every file of browser tests: none of its pages had an error, in the page or in the console. */
import { afterAll, expect } from "vitest";
import { pageProblems } from "./pageProblems.ts";

afterAll(() => {
  expect(pageProblems()).toEqual([]);
});
