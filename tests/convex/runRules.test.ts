import * as fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { withDemoModelsAndFakeTime } from "../support/convexBackend.ts";
import { RunScenario, saidUpTo, scenarioPlaces, scenarioReplies } from "../support/runScenario.ts";
import type { ScenarioStep } from "../support/runScenario.ts";

withDemoModelsAndFakeTime();

beforeEach(() => {
  vi.stubEnv("MAX_CONCURRENT_RUNS", String(scenarioPlaces));
});

/** The first is meant more often: what happens to one reply is where most rules are. */
const reply = fc.oneof(fc.constant(0), fc.nat({ max: scenarioReplies - 1 }));
const by = fc.nat({ max: 3 });
const isRepeated = fc.boolean();
const lastLength = fc.constantFrom(0, 0, 1, 40);

function kind<Kind extends string>(...kinds: Kind[]) {
  return fc.constantFrom(...kinds);
}

const step: fc.Arbitrary<ScenarioStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: kind("claim"),
      reply,
      driver: fc.constantFrom("d1", "d1", null),
      isRepeated,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: kind("append"),
      reply,
      by,
      length: fc.integer({ min: 1, max: 40 }),
      isAnswerLost: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind("heartbeat"), reply, by, isRepeated }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("handOn"), reply, by, length: lastLength, isRepeated }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind("end"),
      reply,
      by,
      length: lastLength,
      isWhole: fc.boolean(),
      status: fc.constantFrom("complete", "stopped", "failed"),
      isRepeated,
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: kind("stop", "offer", "startServer"), reply }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("remove"), reply }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind("pass"), ms: fc.constantFrom(500, 3_000, 15_000, 60_000, 660_000) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind("reap") }) },
);

test("whatever callers do, lose and repeat, the rules hold after every step, and every run comes to an end", async () => {
  const checking = fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 35 }), async (steps) => {
      const scenario = await RunScenario.begin();
      for (const one of steps) {
        await scenario.take(one);
      }
      await scenario.settle();
    }),
    { numRuns: 200 },
  );
  await expect(checking).resolves.toBeUndefined();
}, 300_000);

test("what the model says is not the same twice", () => {
  const pieces = saidUpTo(4 * 1_000).match(/.../gu) ?? [];
  expect(new Set(pieces.slice(0, 300)).size).toBeGreaterThan(250);
});
