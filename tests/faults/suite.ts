/** Plays groups of scenarios on a few worlds side by side, judges them and tells what comes of it. */
import { prepareData } from "../support/preparedData.ts";
import { playGroup, type PlayedScenario } from "./group.ts";
import { noteRowsLeft } from "./leftovers.ts";
import { Coverage, describeFailure } from "./report.ts";
import { brokenRules, type BrokenRule } from "./rules.ts";
import { RunFigures } from "./runFigures.ts";
import { groupSize, planScenario, type Scenario } from "./scenario.ts";
import { World } from "./world.ts";

export interface SuiteOptions {
  /** Worlds side by side. */
  parallel: number;
  tell: (line: string) => void;
  /** Waits for deleted chats to be gone for good, half a minute after the last deletion, and counts what is left. */
  awaitsPurges: boolean;
}

export interface SuiteOutcome {
  failures: Failure[];
  /** Rows that are left and belong to no scenario. */
  nobodysRows: string[];
  coverage: Coverage;
  figures: RunFigures;
}

export interface Failure extends PlayedScenario {
  broken: BrokenRule[];
}

/** The scenarios with these numbers, in groups as they share deployments; `apart`: each has one for itself. */
export function planGroups(seed: number, numbers: readonly number[], isApart = false): Scenario[][] {
  const scenarios = numbers.map((number) => planScenario(seed, number));
  const groups = Map.groupBy(scenarios, ({ number }) =>
    isApart ? -number - 1 : Math.floor(number / groupSize),
  );
  return [...groups.values()];
}

export async function playScenarios(groups: Scenario[][], options: SuiteOptions): Promise<SuiteOutcome> {
  const { parallel, tell, awaitsPurges } = options;
  const outcome: SuiteOutcome = {
    failures: [],
    nobodysRows: [],
    coverage: new Coverage(),
    figures: new RunFigures(),
  };
  const waiting = [...groups];
  let done = 0;
  await onWorlds(Math.min(parallel, groups.length), async (world) => {
    const all: PlayedScenario[] = [];
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const startedAt = performance.now();
      const played = await playGroup(world, group, tell);
      all.push(...played);
      for (const scenario of played) {
        outcome.coverage.add(scenario);
        outcome.figures.add(scenario.evidence);
      }
      const failures = judge(played);
      for (const failure of failures) tell(describeFailure(failure, failure.broken));
      outcome.failures.push(...failures);
      done += 1;
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
      const strikes = group[0]?.strikes.map(({ kind }) => kind).join(", ") || "none";
      tell(
        `group ${done} of ${groups.length}: ${group.length} scenarios in ${seconds} s, deployment faults: ${strikes}, ${failures.length} failed`,
      );
    }
    const silentMs = world.health.outages.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    if (silentMs > 0) {
      tell(
        `${world.health.outages.length} times the deployment did not answer, ${Math.round(silentMs / 1_000)} s in all: this machine is busy`,
      );
    }
    if (!awaitsPurges) return;
    tell("counting what is left when deletions are carried out");
    const known = new Set(outcome.failures.map(({ evidence }) => evidence));
    outcome.nobodysRows.push(...(await noteRowsLeft(world, all)));
    outcome.failures.push(...judge(all).filter(({ evidence }) => !known.has(evidence)));
  });
  return outcome;
}

function judge(played: readonly PlayedScenario[]): Failure[] {
  return played.flatMap((scenario) => {
    const broken = brokenRules(scenario.evidence);
    return broken.length === 0 ? [] : [{ ...scenario, broken }];
  });
}

async function onWorlds(count: number, play: (world: World) => Promise<void>): Promise<void> {
  const data = await prepareData();
  const worlds: World[] = [];
  try {
    for (let number = 0; number < count; number++) worlds.push(await World.start(data.folder));
    await Promise.all(worlds.map(play));
  } finally {
    await Promise.all(worlds.map((world) => world.close()));
    await data.remove();
  }
}
