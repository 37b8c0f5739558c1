/**
 * `npm run faults`: random scenarios against the whole of Duet, every rule checked from outside.
 *
 *     npm run faults -- --scenarios 1000 --seed 7        the run that a seed names
 *     npm run faults -- --seed 7 --only 42               one scenario of it, alone on its deployment
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { planGroups, playScenarios } from "./suite.ts";

/** From so many scenarios on, a cell of the table that stays empty is a failure. */
const wholeRun = 1_000;

const { values } = parseArgs({
  options: {
    scenarios: { type: "string", default: String(wholeRun) },
    seed: { type: "string" },
    only: { type: "string" },
    parallel: { type: "string", default: "3" },
  },
});
const seed = Number(values.seed ?? randomInt(2 ** 31));
const isApart = values.only !== undefined;
const numbers = isApart
  ? (values.only ?? "").split(",").map(Number)
  : Array.from({ length: Number(values.scenarios) }, (_, number) => number);
if (![seed, ...numbers].every(Number.isInteger)) {
  throw new Error(`--seed, --scenarios and --only take whole numbers: ${process.argv.slice(2).join(" ")}`);
}
const startedAt = performance.now();
console.log(`faults: seed ${seed}, ${numbers.length} scenarios`);
const { failures, nobodysRows, coverage } = await playScenarios(planGroups(seed, numbers, isApart), {
  parallel: Number(values.parallel),
  tell: console.log,
});
console.log(coverage.table());
const empty = coverage.empty();
if (numbers.length >= wholeRun) console.log(`empty cells: ${empty.join(", ") || "none"}`);
for (const { scenario, broken } of failures) {
  console.log(
    `failed: --seed ${seed} --only ${scenario.number}: ${broken.map(({ rule }) => rule).join(", ")}`,
  );
}
if (nobodysRows.length > 0) console.log(`rows of nobody: ${nobodysRows.join("\n")}`);
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
console.log(`${failures.length} of ${numbers.length} scenarios failed, seed ${seed}, ${minutes} minutes`);
process.exit(
  failures.length + nobodysRows.length > 0 || (numbers.length >= wholeRun && empty.length > 0) ? 1 : 0,
);
