// @vitest-environment node
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { brokenAtEnd } from "../../support/pumpWorld/endRules.ts";
import { runScenario, wholeText } from "../../support/pumpWorld/pumpWorld.ts";
import { driverHabits, healthyFates, scenario } from "../../support/pumpWorld/scenarios.ts";

beforeEach(() => {
  // A pump says so when it gives up the end of a reasoning, which some of these databases never take.
  vi.spyOn(console, "warn").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const patienceMs = 120_000;

test(
  "the rules hold at every step, whatever model, database and driver do",
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (made) => {
        const outcome = await runScenario(made);
        expect([...outcome.violations, ...brokenAtEnd(made, outcome)]).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  },
  patienceMs,
);

test(
  "a database that is merely slow loses nothing: text and reasoning are whole, and the run ends",
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, healthyFates, async (made, fates) => {
        const outcome = await runScenario({ ...made, fates, incidents: [], actionAgeMs: 0 });
        const { result, db, model } = outcome;
        expect(outcome.violations).toEqual([]);
        expect(result).toBe("ended");
        expect(["complete", "failed"]).toContain(db.status);
        expect(db.text).toBe(wholeText(made.persistedText, model.said.text));
        expect(db.reasoning).toBe(made.persistedReasoning + wholeText("", model.said.reasoning));
      }),
      { numRuns: 600 },
    );
  },
  patienceMs,
);

test(
  "a driver that is slow, stuck or gone changes nothing of what is persisted, nor when",
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, driverHabits, driverHabits, async (made, one, other) => {
        const [first, second] = [
          await runScenario({ ...made, driver: one }),
          await runScenario({ ...made, driver: other }),
        ];
        expect(second.flushes).toEqual(first.flushes);
        expect(second.endedAt).toBe(first.endedAt);
        expect(second.db.status).toBe(first.db.status);
      }),
      { numRuns: 300 },
    );
  },
  patienceMs,
);

test(
  "a pump whose run is taken writes and sends nothing after it knows, whatever it was about to do",
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, fc.integer({ min: 0, max: 3_000 }), async (made, atMs) => {
        const incidents = [{ atMs, kind: "taken" as const, forMs: 0 }];
        const outcome = await runScenario({ ...made, incidents });
        expect([...outcome.violations, ...brokenAtEnd({ ...made, incidents }, outcome)]).toEqual([]);
      }),
      { numRuns: 300 },
    );
  },
  patienceMs,
);
