/** Scenarios are made, not found: the same ones again for the same seed, and all kinds of them. */
import { expect, test } from "vitest";
import { parseDirectives } from "../../demo/directives.ts";
import { faultKinds, faultTable, isDeploymentFault, possibleStages, stages } from "./faultTable.ts";
import { askOf, groupSize, planScenario } from "./scenario.ts";

const thousand = Array.from({ length: 1_000 }, (_, number) => number);

test("a seed and a number name one scenario, wherever it is played", () => {
  expect(planScenario(5, 123)).toEqual(planScenario(5, 123));
  expect(planScenario(5, 123)).not.toEqual(planScenario(6, 123));
  expect(planScenario(5, 123)).not.toEqual(planScenario(5, 124));
});

test.each([1, 2, 3])(
  "a thousand scenarios of seed %i plan every fault at every stage where it can be",
  (seed) => {
    const planned = new Set<string>();
    for (const { faults, strikes } of thousand.map((number) => planScenario(seed, number))) {
      for (const { kind, stage } of [...faults, ...strikes]) planned.add(`${kind} ${stage}`);
    }
    const missing = faultKinds.flatMap((kind) =>
      possibleStages(kind)
        .map((stage) => `${kind} ${stage}`)
        .filter((cell) => !planned.has(cell)),
    );
    expect(missing).toEqual([]);
  },
);

test("faults come in the order of their stages, at stages where they can be", () => {
  for (const { faults } of thousand.map((number) => planScenario(4, number))) {
    const places = faults.map(({ stage }) => stages.indexOf(stage));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(faults.filter(({ kind, stage }) => faultTable[kind][stage] !== true)).toEqual([]);
    expect(faults.filter(({ kind }) => isDeploymentFault(kind))).toEqual([]);
  }
});

test("a group shares the faults of its deployment", () => {
  const strikesOf = (number: number) =>
    planScenario(9, number).strikes.map(({ kind, downMs }) => [kind, downMs]);
  for (const number of thousand) {
    expect(strikesOf(number)).toEqual(strikesOf(number - (number % groupSize)));
  }
});

test("the model server understands every message", () => {
  for (const number of thousand) {
    const { ask, marker } = askOf(planScenario(8, number));
    expect(() => parseDirectives(ask)).not.toThrow();
    expect(ask).toContain(marker);
  }
});
