/**
 * `npm run faults`: random scenarios against the whole of Duet, every rule checked from outside.
 *
 *     npm run faults -- --scenarios 1000 --seed 7        the run that a seed names
 *     npm run faults -- --seed 7 --only 42               one scenario of it, alone on its deployment
 *     npm run faults -- --seed 7 --groups 22,23          the scenarios that share those deployments, together as there
 *     npm run faults -- --planted all                    faults planted in the product: which rule catches each
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { plants } from "./planted/plants.ts";
import { playPlant, verdictPrefix } from "./planted/playPlant.ts";
import { groupSize } from "./scenario.ts";
import { planGroups, playScenarios } from "./suite.ts";

/** From so many scenarios on, a cell of the table that stays empty is a failure. */
const wholeRun = 1_000;

const { values } = parseArgs({
  options: {
    scenarios: { type: "string", default: String(wholeRun) },
    seed: { type: "string" },
    only: { type: "string" },
    groups: { type: "string" },
    parallel: { type: "string", default: "3" },
    /** "all", or a part of the names of those that are meant. */
    planted: { type: "string" },
    /** Of a copy in which a fault is planted: plays the scenario of that plant. */
    inside: { type: "string" },
  },
});

function numbersToPlay(): number[] {
  const { only, groups, scenarios } = values;
  if (only !== undefined) return only.split(",").map(Number);
  const count = (from: number, length: number) => Array.from({ length }, (_, index) => from + index);
  if (groups === undefined) return count(0, Number(scenarios));
  return groups.split(",").flatMap((group) => count(Number(group) * groupSize, groupSize));
}

async function playRun(): Promise<boolean> {
  const seed = Number(values.seed ?? randomInt(2 ** 31));
  const isApart = values.only !== undefined;
  const numbers = numbersToPlay();
  if (![seed, ...numbers].every(Number.isInteger)) {
    throw new Error(`--seed, --scenarios and --only take whole numbers: ${process.argv.slice(2).join(" ")}`);
  }
  const startedAt = performance.now();
  console.log(`faults: seed ${seed}, ${numbers.length} scenarios`);
  const options = { parallel: Number(values.parallel), tell: console.log, awaitsPurges: true };
  const outcome = await playScenarios(planGroups(seed, numbers, isApart), options);
  const { failures, nobodysRows, coverage, figures } = outcome;
  console.log(coverage.table());
  for (const line of [...coverage.kindLines(), ...figures.lines()]) console.log(line);
  const empty = numbers.length >= wholeRun ? coverage.empty() : [];
  if (numbers.length >= wholeRun && figures.postsWithTurn === 0)
    empty.push("a POST that carries its message");
  if (empty.length > 0) console.log(`never happened: ${empty.join(", ")}`);
  for (const { scenario, broken } of failures) {
    console.log(
      `failed: --seed ${seed} --only ${scenario.number}: ${broken.map(({ rule }) => rule).join(", ")}`,
    );
  }
  if (nobodysRows.length > 0) console.log(`rows of nobody: ${nobodysRows.join("\n")}`);
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  console.log(`${failures.length} of ${numbers.length} scenarios failed, seed ${seed}, ${minutes} minutes`);
  return failures.length + nobodysRows.length + empty.length === 0;
}

/** Says of each planted fault which rule caught it; one that none caught is a failure. */
async function playPlanted(wanted: string): Promise<boolean> {
  let isOk = true;
  const waiting = plants.filter(({ name }) => wanted === "all" || name.includes(wanted));
  const playNext = async (): Promise<void> => {
    for (let plant = waiting.shift(); plant !== undefined; plant = waiting.shift()) {
      const { name, caughtBy } = plant;
      const rules = new Set((await playPlant(plant)).map(({ rule }) => rule));
      const isCaught = caughtBy.some((rule) => rules.has(rule));
      isOk &&= isCaught;
      console.log(
        `${isCaught ? "caught" : "NOT CAUGHT"}: ${name}: ${[...rules].join(", ") || "no rule broken"}`,
      );
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel) }, playNext));
  return isOk;
}

async function playInside(name: string): Promise<boolean> {
  const plant = plants.find((candidate) => candidate.name === name);
  if (plant === undefined) throw new Error(`There is no plant “${name}”.`);
  const options = { parallel: 1, tell: console.log, awaitsPurges: false };
  const { failures } = await playScenarios([[plant.scenario]], options);
  console.log(verdictPrefix + JSON.stringify(failures.flatMap(({ broken }) => broken)));
  return true;
}

// The processes that this one has started end with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
let isOk: boolean;
if (values.inside !== undefined) isOk = await playInside(values.inside);
else if (values.planted !== undefined) isOk = await playPlanted(values.planted);
else isOk = await playRun();
process.exit(isOk ? 0 : 1);
