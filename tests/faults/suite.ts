/** Plays groups of scenarios on a few worlds side by side, judges them and tells what comes of it. */
import { playGroup, type PlayedScenario } from "./group.ts";
import { Coverage, describeFailure } from "./report.ts";
import { brokenRules, type BrokenRule } from "./rules.ts";
import type { Scenario } from "./scenario.ts";
import { prepareData, World } from "./world.ts";

export interface SuiteOptions {
  parallel: number;
  /** Enough scenarios for every cell of the table: an empty one is a failure. */
  isWhole: boolean;
}

export interface Failure {
  played: PlayedScenario;
  broken: BrokenRule[];
}

export async function playScenarios(groups: Scenario[][], options: SuiteOptions): Promise<boolean> {
  const startedAt = performance.now();
  const coverage = new Coverage();
  const failures: Failure[] = [];
  let done = 0;
  const total = groups.length;
  await onWorlds(Math.min(options.parallel, total), async (world) => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const groupStartedAt = performance.now();
      const played = await playGroup(world, group);
      done += 1;
      let failed = 0;
      for (const scenario of played) {
        coverage.add(scenario.evidence);
        const broken = brokenRules(scenario.evidence);
        if (broken.length === 0) continue;
        failed += 1;
        failures.push({ played: scenario, broken });
        console.log(describeFailure(scenario, broken));
      }
      const seconds = ((performance.now() - groupStartedAt) / 1_000).toFixed(0);
      const strikes = group[0]?.strikes.map(({ kind }) => kind).join(", ") || "none";
      console.log(
        `group ${done} of ${total}: ${played.length} scenarios in ${seconds} s, deployment faults: ${strikes}, ${failed} failed`,
      );
    }
  });
  const empty = coverage.empty();
  console.log(coverage.table());
  if (empty.length > 0) console.log(`never injected: ${empty.join(", ")}`);
  for (const { played, broken } of failures) {
    console.log(
      `failed: --seed ${played.scenario.seed} --only ${played.scenario.number}: ${broken.map(({ rule }) => rule).join(", ")}`,
    );
  }
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  console.log(`${failures.length} failed, ${minutes} minutes`);
  return failures.length === 0 && (!options.isWhole || empty.length === 0);
}

async function onWorlds(count: number, play: (world: World) => Promise<void>): Promise<void> {
  const data = await prepareData();
  try {
    const worlds = await Promise.all(Array.from({ length: count }, () => World.start(data.folder)));
    try {
      await Promise.all(worlds.map(play));
    } finally {
      await Promise.all(worlds.map((world) => world.close()));
    }
  } finally {
    await data.remove();
  }
}
