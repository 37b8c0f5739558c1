// @vitest-environment node
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BackgroundStep } from "../../support/pumpWorld/backgroundModel.ts";
import { expectedReply, runResumeScenario } from "../../support/pumpWorld/resumeWorld.ts";
import type { ResumeScenario } from "../../support/pumpWorld/resumeWorld.ts";
import { healthyFates, spokenText } from "../../support/pumpWorld/scenarios.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const step: fc.Arbitrary<BackgroundStep> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("text" as const), text: spokenText }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("reasoning" as const), text: spokenText }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("pause" as const), ms: fc.integer({ min: 0, max: 2_500 }) }),
  },
);

const death: fc.Arbitrary<ResumeScenario["deaths"][number]> = fc.record({
  afterMs: fc.integer({ min: 500, max: 5_000 }),
  gapMs: fc.integer({ min: 0, max: 30_000 }),
  hears: fc.constantFrom("nothing" as const, "that it lost the run" as const),
});

const scenario: fc.Arbitrary<ResumeScenario> = fc.record({
  persistedText: fc.oneof(
    fc.constant(""),
    spokenText.map((text) => text.toWellFormed()),
  ),
  steps: fc.array(step, { minLength: 4, maxLength: 40 }),
  fates: healthyFates,
  deaths: fc.array(death, { minLength: 1, maxLength: 4 }),
});

// A response is noted after at most four tenths of a second here; whoever dies before that leaves nothing to resume.
test("wherever its readers die, a resumable response is persisted once, whole and in order, for one prompt", async () => {
  let resumed = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async (made) => {
      const { model, db, places, violations } = await runResumeScenario(made);
      const expected = expectedReply(made);
      expect(violations).toEqual([]);
      expect(db.status).toBe("complete");
      expect(db.text).toBe(expected.text);
      expect(db.reasoning).toBe(expected.reasoning);
      // In a continuation they also depend on what was held back.
      const isFirst = made.persistedText === "";
      expect(isFirst ? places.slice(0, expected.places.length) : []).toEqual(isFirst ? expected.places : []);
      expect(model.prompts).toBe(1);
      // A dead pump closes its connection and leaves the response to whoever comes after it.
      expect(model.cancelled).toEqual([]);
      resumed += model.replays;
    }),
    { numRuns: 2_000 },
  );
  expect(resumed).toBeGreaterThan(1_400);
});
