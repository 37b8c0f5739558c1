/** Made-up scenarios: what a model says, how a database and a driver behave, and what happens meanwhile. */
import * as fc from "fast-check";
import type { Scenario } from "./pumpWorld.ts";
import type { CallFate } from "./simDatabase.ts";
import type { DriverHabits } from "./simDriver.ts";
import type { ModelStep } from "./simModel.ts";

/** Words of several scripts, ends of sentences, code, and halves of characters that may or may not find their other. */
const fragment = fc.constantFrom(
  "lease ",
  "a.b.c(",
  "日本語の文。",
  "这是一句话！",
  "😀",
  "👩‍👩‍👧",
  "\ud83d",
  "\ude00",
  "\n",
  "```ts\nconst x = 1;\n",
  "End. ",
  "Why? ",
  "e\u0301",
  "x",
  "| yes | no |\n",
);

const shortText = fc.array(fragment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
const longText = fc
  .tuple(shortText, fc.integer({ min: 50, max: 400 }))
  .map(([text, count]) => text.repeat(count).slice(0, 9_000));
export const spokenText = fc.oneof({ weight: 12, arbitrary: shortText }, { weight: 2, arbitrary: longText });

const pauseMs = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 120 }) },
  { weight: 3, arbitrary: fc.integer({ min: 100, max: 3_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 3_000, max: 60_000 }) },
);

const step: fc.Arbitrary<ModelStep> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("text" as const), text: spokenText }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("reasoning" as const), text: spokenText }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("pause" as const), ms: pauseMs }) },
);

const lastSteps: fc.Arbitrary<ModelStep[]> = fc.oneof(
  { weight: 8, arbitrary: fc.constant([{ kind: "finish" }, { kind: "ends" }] as ModelStep[]) },
  { weight: 1, arbitrary: fc.constant([{ kind: "finish" }, { kind: "finish" }] as ModelStep[]) },
  { weight: 1, arbitrary: fc.constant([{ kind: "finish" }, { kind: "falls silent" }] as ModelStep[]) },
  { weight: 2, arbitrary: fc.constant([{ kind: "ends" }] as ModelStep[]) },
  { weight: 1, arbitrary: fc.constant([{ kind: "falls silent" }] as ModelStep[]) },
  {
    weight: 3,
    arbitrary: fc.boolean().map((isRetryable): ModelStep[] => [{ kind: "fails", isRetryable }]),
  },
);

/** Failures before the first word, which are tried again, and then a reply. */
export const modelSteps: fc.Arbitrary<ModelStep[]> = fc
  .tuple(
    fc.array(fc.constant<ModelStep>({ kind: "fails", isRetryable: true }), { maxLength: 2 }),
    fc.array(step, { maxLength: 25 }),
    lastSteps,
  )
  .map((parts) => parts.flat());

const delayMs = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 3, arbitrary: fc.integer({ min: 60, max: 1_500 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1_500, max: 9_000 }) },
);

const fate: fc.Arbitrary<CallFate> = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant("answered" as const) },
    { weight: 1, arbitrary: fc.constantFrom("fails", "failsAfterApplying", "lost", "silent") },
  ),
  delayMs,
});

export const healthyFates: fc.Arbitrary<CallFate[]> = fc.array(
  fc.record({ kind: fc.constant("answered" as const), delayMs: fc.integer({ min: 0, max: 400 }) }),
  { maxLength: 10 },
);

export const driverHabits: fc.Arbitrary<DriverHabits> = fc.record({
  kind: fc.constantFrom("reads", "reads", "neverReads", "cancels", "absent"),
  format: fc.constantFrom("sse", "plain"),
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000 })),
});

const incidents: fc.Arbitrary<Scenario["incidents"]> = fc.array(
  fc.record({
    atMs: fc.integer({ min: 0, max: 20_000 }),
    kind: fc.constantFrom("stop", "taken", "down"),
    forMs: fc.integer({ min: 100, max: 15_000 }),
  }),
  { maxLength: 2 },
);

const maxGenerationMs = 25 * 60_000;

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  persistedText: fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: spokenText.map((text) => text.toWellFormed()) },
  ),
  persistedReasoning: fc.oneof(
    fc.constant(""),
    shortText.map((text) => text.toWellFormed()),
  ),
  steps: modelSteps,
  noticesAbort: fc.boolean(),
  fates: fc.array(fate, { maxLength: 30 }),
  driver: driverHabits,
  incidents: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: incidents }),
  /** Some begin so late in the life of their action that they are handed on. */
  actionAgeMs: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: maxGenerationMs - 10_000, max: maxGenerationMs }) },
  ),
});
