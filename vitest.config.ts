import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/support/longestFirst.ts";

/** Each file of the conformance suite pushes an app of its own: where all push to one deployment, one after another. */
const sharesOneDeployment = process.env["CONFORMANCE_URL"] !== undefined;

/** Tests start hundreds of processes: each finds our files and the CLI compiled, which halves the work of a start. */
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "compiled");

/** A condition is waited for as long as the test may take: vitest's own second is no patience for a busy machine. */
const patience = { poll: { interval: 20, timeout: 50_000 } };

/**
 * Groups go one after another; two cores are to be busy in each, and no busier than its tests can bear. First the short run
 * of the fault suite, whose rules are about seconds: beside it one worker goes through tests that need nothing but a core.
 */
const besideFaults = { maxWorkers: 2, sequence: { groupOrder: 0 } };

/** Most of these wait for other processes, and two files wait for leases or processes nearly all of their time. */
const besideProcesses = { maxWorkers: 4, sequence: { groupOrder: 1 } };

/**
 * Each of these paints a page or two without a graphics card: more at once on two cores only wait for each other. Two
 * workers do, and a third for the files that wait for leases and deletions.
 */
const besidePages = { maxWorkers: 3, maxConcurrency: 2, sequence: { groupOrder: 2 } };

/** Port 0 everywhere and a data folder of its own: every project may run beside a running `npm run dev`. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "convex",
          environment: "edge-runtime",
          include: ["tests/convex/**/*.test.ts"],
          ...besideFaults,
          // Some let thousands of cases or millions of characters pass.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "node",
          environment: "node",
          include: ["tests/{embedded,demo,providers,scripts}/**/*.test.ts"],
          ...besideProcesses,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: patience,
        },
      },
      {
        test: {
          name: "conformance",
          environment: "node",
          include: ["tests/conformance/**/*.test.ts"],
          ...besideProcesses,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: patience,
          ...(sharesOneDeployment ? { maxWorkers: 1, sequence: { groupOrder: 3 } } : {}),
        },
      },
      {
        extends: "./vite.config.ts",
        test: {
          name: "ui",
          environment: "happy-dom",
          include: ["tests/src/**/*.test.{ts,tsx}"],
          setupFiles: "tests/support/patientQueries.ts",
          ...besideFaults,
          // Some render thousands of rows, beside the fault suite.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "planted",
          environment: "node",
          include: ["tests/faults/planted/**/*.test.ts"],
          ...besideProcesses,
          // Each waits for leases to end, beside others that have something to do.
          maxConcurrency: 3,
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: "e2e",
          environment: "node",
          include: ["tests/e2e/**/*.test.ts"],
          globalSetup: "tests/support/e2eSetup.ts",
          setupFiles: "tests/support/quietPages.ts",
          ...besidePages,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "faults",
          environment: "node",
          include: ["tests/faults/*.test.ts"],
          ...besideFaults,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
