import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Each file of the conformance suite pushes an app of its own: where all push to one deployment, one after another. */
const sharesOneDeployment = process.env["CONFORMANCE_URL"] !== undefined;

/** Tests start hundreds of processes: each finds our files and the CLI compiled, which halves the work of a start. */
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "compiled");

/** A condition is waited for as long as the test may take: vitest's own second is no patience for a busy machine. */
const patience = { poll: { interval: 20, timeout: 50_000 } };

/** Port 0 everywhere and a data folder of its own: every project may run beside a running `npm run dev`. */
export default defineConfig({
  test: {
    // Most tests wait for other processes: one worker on two cores leaves them idle.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "convex",
          environment: "edge-runtime",
          include: ["tests/convex/**/*.test.ts"],
          // Some let thousands of cases or millions of characters pass.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "node",
          environment: "node",
          include: ["tests/{embedded,demo,providers,scripts}/**/*.test.ts"],
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
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: patience,
          ...(sharesOneDeployment ? { maxWorkers: 1, sequence: { groupOrder: 2 } } : {}),
        },
      },
      {
        extends: "./vite.config.ts",
        test: {
          name: "ui",
          environment: "happy-dom",
          include: ["tests/src/**/*.test.{ts,tsx}"],
          // Some render thousands of rows, beside all other projects.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          environment: "node",
          include: ["tests/e2e/**/*.test.ts"],
          globalSetup: "tests/support/e2eSetup.ts",
          setupFiles: "tests/support/quietPages.ts",
          // After the other projects, not among them.
          sequence: { groupOrder: 1 },
          // Each test paints a page or two without a graphics card: more at once on two cores only wait for each other.
          maxWorkers: 2,
          maxConcurrency: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "faults",
          environment: "node",
          include: ["tests/faults/**/*.test.ts"],
          // Last, and alone: its rules are about seconds, of a machine that is not busy with other tests.
          sequence: { groupOrder: 3 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
