/**
 * `npm run faults`: random scenarios against the whole of Duet, every rule checked from outside.
 *
 *     npm run faults -- --scenarios 1000 --seed 7        the run that a seed names
 *     npm run faults -- --seed 7 --only 42               one scenario of it, alone on its deployment
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { groupSize, planScenario, type Scenario } from "./scenario.ts";
import { playScenarios } from "./suite.ts";

const { values } = parseArgs({
  options: {
    scenarios: { type: "string", default: "1000" },
    seed: { type: "string" },
    only: { type: "string" },
    parallel: { type: "string", default: "2" },
  },
});
const seed = Number(values.seed ?? randomInt(2 ** 31));
const numbers =
  values.only === undefined
    ? Array.from({ length: Number(values.scenarios) }, (_, number) => number)
    : values.only.split(",").map(Number);
console.log(`faults: seed ${seed}, ${numbers.length} scenarios`);
const groups: Scenario[][] = [];
for (const number of numbers) {
  const scenario = planScenario(seed, number);
  const last = groups.at(-1);
  const isSameGroup =
    last !== undefined && Math.floor(last[0]!.number / groupSize) === Math.floor(number / groupSize);
  if (isSameGroup && values.only === undefined) last.push(scenario);
  else groups.push([scenario]);
}
const isOk = await playScenarios(groups, {
  parallel: Number(values.parallel),
  isWhole: numbers.length >= 1_000,
});
process.exit(isOk ? 0 : 1);
