/** Plays the scenarios that share a deployment at a time, and counts what they leave in its tables. */
import { Conductor } from "./conductor.ts";
import type { Evidence } from "./evidence.ts";
import type { Stage } from "./faultTable.ts";
import { isScripted } from "./faultTable.ts";
import type { Scenario } from "./scenario.ts";
import { noteLeftovers } from "./leftovers.ts";
import { StrikeSchedule } from "./strikeSchedule.ts";
import type { World } from "./world.ts";

/** Nothing that a person waits for is silent. */
const tellEveryMs = 15_000;

export interface PlayedScenario {
  scenario: Scenario;
  evidence: Evidence;
}

/** The scenarios are of one group, so they have the same strikes. */
export async function playGroup(
  world: World,
  scenarios: readonly Scenario[],
  tell: (line: string) => void,
): Promise<PlayedScenario[]> {
  const strikes = (scenarios[0]?.strikes ?? []).map(({ kind, downMs }) => ({ kind, downMs }));
  const schedule = new StrikeSchedule(strikes, ({ kind, downMs }) => world.strike(kind, downMs));
  const conductors: Conductor[] = [];
  const progress = setInterval(() => tell(progressOf(conductors)), tellEveryMs);
  try {
    for (const scenario of scenarios) conductors.push(await Conductor.start(world, scenario, schedule));
    await Promise.all(conductors.map((conductor) => conductor.prepareChat()));
    await Promise.all(conductors.map((conductor) => conductor.play()));
    const played = await Promise.all(
      conductors.map(async (conductor) => ({
        scenario: conductor.scenario,
        evidence: withScripted(await conductor.conclude(), conductor.scenario),
      })),
    );
    await noteLeftovers(world, played);
    return played;
  } finally {
    clearInterval(progress);
    await Promise.all(conductors.map((conductor) => conductor.close()));
    await world.forgetRequests();
  }
}

function progressOf(conductors: readonly Conductor[]): string {
  const waitedFor = conductors.filter(({ doing }) => doing !== "over");
  const list = waitedFor.map(({ scenario, doing }) => `#${scenario.number} ${doing}`).join(", ");
  return `  ${waitedFor.length} of ${conductors.length} scenarios go on: ${list}`;
}

/** Adds the faults that the message itself asked the model for, where the model's log shows that they happened. */
function withScripted(evidence: Evidence, { faults }: Scenario): Evidence {
  for (const { kind, stage } of faults.filter(({ kind }) => isScripted(kind))) {
    const met = evidence.requests.find(({ state, sentText, isContinuation }) => {
      switch (kind) {
        case "providerRefuses":
          return state === "refused";
        case "providerCuts":
        case "providerErrors":
          return state === "cut";
        case "providerRepeats":
          return isContinuation;
        default:
          return sentText !== "";
      }
    });
    if (met !== undefined)
      evidence.injected.push(scriptedFault(kind, stage, met.closedAtMs ?? met.startedAtMs));
  }
  return evidence;
}

function scriptedFault(kind: Scenario["faults"][number]["kind"], stage: Stage, atMs: number) {
  return { kind, stage, atMs, endedAtMs: atMs };
}
