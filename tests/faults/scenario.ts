/**
 * Makes up scenarios: the same seed and number are always the same scenario, whoever runs it and beside what. Long, for
 * what is drawn and what the model is told of it are to fit each other.
 */
import { hash } from "node:crypto";
import type { Dice } from "../support/torture/dice.ts";
import { diceOf } from "../support/torture/seededDice.ts";
import {
  deploymentFaults,
  faultKinds,
  isDeploymentFault,
  isHoldable,
  isScripted,
  possibleStages,
  stageIndex,
  stages,
  type DeploymentFault,
  type FaultKind,
  type ScriptedFault,
  type Stage,
} from "./faultTable.ts";

export interface PlannedFault {
  kind: FaultKind;
  stage: Stage;
  /** Of faults that last. */
  durationMs: number;
}

export interface PlannedStrike {
  kind: DeploymentFault;
  /** Where this scenario waits for it; null: it comes when it comes. */
  stage: Stage | null;
  downMs: number;
}

/** What is asked for after an earlier turn: an answer to its reply, or another version of its message or reply. */
export const secondTurns = ["message", "edit", "regenerate", "retry", "continue"] as const;

export type SecondTurn = (typeof secondTurns)[number];

export interface Scenario {
  seed: number;
  number: number;
  model: "demo" | "demo-anthropic";
  tokens: number;
  /** Tokens a second; 0: as fast as they are taken. */
  rate: number;
  /** Null: the faults meet the first turn of a chat. */
  second: SecondTurn | null;
  /** Tokens of what the model thinks before its first word, in each attempt. */
  think: number;
  /** Of those, how many are out where the model waits while it thinks; null: it waits when it has thought. */
  thoughtHeldAfter: number | null;
  /** Tokens of the reply that are out when its middle has come. */
  middle: number;
  /** What the model server is told besides the three above. */
  directives: string[];
  spectators: number;
  /** The direction in which the answer to the POST is held up when something happens before it. */
  headHeld: "up" | "down";
  /** Whether the POST carries the message, as the app sends, or follows a mutation that brought it. */
  sending: "post" | "mutation";
  /** The driver reads plain text, and perhaps goes away when it has so many units of it; null: it is a page of the app. */
  plainReader: { leavesAt: number | null } | null;
  /** The driver's POSTs carry fields that the server does not know. */
  hasUnknownFields: boolean;
  /** In the order of their stages. */
  faults: PlannedFault[];
  /** Of the whole group, in order. */
  strikes: PlannedStrike[];
  /** Text is persisted before the deployment is struck where the model is speaking; otherwise perhaps none is. */
  strikesAfterFlush: boolean;
}

/** Scenarios that share a deployment at a time: its server runs go four at once, and each has to get its turn. */
export const groupSize = 16;

/** Every cell that a scenario can aim at by itself; scenario after scenario takes the next one. */
/** Deletions that are taken back share their turns with those that are not. */
export const aims: readonly { kind: FaultKind; stage: Stage }[] = faultKinds
  .filter((kind) => !isDeploymentFault(kind) && kind !== "deleteAndUndo")
  .flatMap((kind) => possibleStages(kind).map((stage) => ({ kind, stage })));

/** Coprime to the number of aims, so that neighbours differ and every aim has its turn. */
const aimStep = 37;

export function planScenario(seed: number, number: number): Scenario {
  const dice = diceFor(seed, `scenario ${number}`);
  const isLong = dice.chance(0.03);
  const tokens = isLong ? 2_000 + dice.below(1_500) : 30 + dice.below(100);
  const faults = planFaults(dice, seed, number);
  const isSlow = faults.some(({ kind }) => kind === "providerSlow");
  const strikes = planStrikes(seed, number);
  const middle = 1 + Math.floor(tokens * (0.15 + 0.6 * dice.next()));
  const scenario: Scenario = {
    seed,
    number,
    second: null,
    plainReader: null,
    hasUnknownFields: diceFor(seed, `fields ${number}`).chance(0.15),
    think: 0,
    thoughtHeldAfter: null,
    model: dice.chance(0.7) ? "demo" : "demo-anthropic",
    tokens,
    rate: isLong ? 0 : isSlow ? 12 + dice.below(10) : dice.pick([0, 80, 120, 200]),
    middle,
    directives: [...planDirectives(dice, faults, tokens, middle), ...planHalves(seed, number)],
    spectators: dice.pick([0, 1, 1, 1, 2]),
    headHeld: dice.pick(["up", "down"] as const),
    sending: planSending(seed, number, [...faults, ...strikes]),
    faults,
    strikes,
    strikesAfterFlush: dice.chance(0.5),
  };
  return {
    ...scenario,
    ...planThinking(scenario),
    second: planSecond(scenario),
    plainReader: planPlainReader(scenario),
  };
}

/** It sends no message by itself, so there is one only where the message is there before its POST. */
function planPlainReader({ seed, number, sending, middle }: Scenario): Scenario["plainReader"] {
  const dice = diceFor(seed, `plain ${number}`);
  if (sending !== "mutation" || !dice.chance(0.35)) return null;
  return { leavesAt: dice.chance(0.4) ? 1 + dice.below(4 * middle) : null };
}

/** What the model was told to do would befall the earlier turn too, where that has the same message. */
function planSecond({ seed, number, faults, directives }: Scenario): SecondTurn | null {
  const dice = diceFor(seed, `second ${number}`);
  if (!dice.chance(0.4)) return null;
  const fails = faults.some(({ kind }) => failing.has(kind));
  const wanted = dice.pick(fails ? (["message", "edit"] as const) : secondTurns);
  // A text that ends in half a character is no beginning of what the model would have said.
  return wanted === "continue" && directives.includes("halves=1") ? "regenerate" : wanted;
}

const failing: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "providerRefuses",
  "providerCuts",
  "providerErrors",
  "providerSlow",
]);

/** Up to two seconds of it, or several rows. With throws of its own, as all that came later: old seeds stay what they were. */
function planThinking({
  seed,
  number,
  tokens,
  rate,
}: Scenario): Pick<Scenario, "think" | "thoughtHeldAfter"> {
  const dice = diceFor(seed, `think ${number}`);
  if (!dice.chance(0.3)) return { think: 0, thoughtHeldAfter: null };
  const most = rate === 0 ? tokens : 2 * rate;
  const think = 1 + dice.below(most);
  return { think, thoughtHeldAfter: dice.chance(0.5) ? dice.below(think) : null };
}

/**
 * Where the POST brings the message, there is nothing between the two; what happens before its head happens to the
 * message too.
 */
function planSending(seed: number, number: number, faults: { stage: Stage | null }[]): Scenario["sending"] {
  const isAt = (place: Stage) => faults.some(({ stage }) => stage === place);
  if (isAt("betweenSendAndPost")) return "mutation";
  return diceFor(seed, `sending ${number}`).chance(isAt("beforeHead") ? 0.6 : 0.9) ? "post" : "mutation";
}

const undo = "deleteAndUndo" as const;

function planFaults(dice: Dice, seed: number, number: number): PlannedFault[] {
  const offset = diceFor(seed, "aims").below(aims.length);
  const place = offset + number * aimStep;
  const aim = aims[place % aims.length]!;
  const isUndone = Math.floor(place / aims.length) % 2 === 1;
  const chosen = [aim];
  const more = dice.pick([0, 0, 1, 1, 2, 3]);
  for (let count = 0; count < more; count++) {
    const other = dice.pick(aims);
    // One script for the model, and nothing that would keep the scenario from what it aims at.
    const isTaken = chosen.some(
      ({ kind }) => kind === other.kind || (isScripted(kind) && isScripted(other.kind)),
    );
    if (!isTaken && stageIndex(other.stage) >= stageIndex(aim.stage)) chosen.push(other);
  }
  return chosen
    .map((fault) => (isUndone && fault.kind === "deleteChat" ? { ...fault, kind: undo } : fault))
    .map((fault) => ({ ...fault, durationMs: 300 + Math.floor(dice.next() ** 3 * 6_000) }))
    .sort((a, b) => stageIndex(a.stage) - stageIndex(b.stage));
}

/** A deployment's fault hits its whole group; every scenario chooses for itself where it is hit. */
function planStrikes(seed: number, number: number): PlannedStrike[] {
  const group = Math.floor(number / groupSize);
  const ofGroup = diceFor(seed, `group ${group}`);
  const own = diceFor(seed, `strikes ${number}`);
  const count = ofGroup.pick([0, 0, 1, 1, 2]);
  let earliest = 0;
  return Array.from({ length: count }, () => {
    const kind = ofGroup.pick(deploymentFaults);
    const downMs = kind === "killAndStayDown" ? 1_000 + ofGroup.below(5_000) : 0;
    const index = earliest + own.below(stages.length - earliest + 1);
    earliest = Math.min(index + 1, stages.length);
    return { kind, stage: stages[index] ?? null, downMs };
  });
}

function planDirectives(dice: Dice, faults: PlannedFault[], tokens: number, middle: number): string[] {
  const directives = [`firstTokenMs=${dice.pick([0, 20, 100])}`];
  if (dice.chance(0.5)) directives.push("text=plain");
  if (dice.chance(0.3)) directives.push("unicode=1");
  for (const { kind, stage } of faults) {
    if (isScripted(kind)) directives.push(...script(dice, kind, placeOf(stage, tokens, middle)));
  }
  return [...new Set(directives)];
}

/** Tokens that end in half a character, as those of some models do. */
function planHalves(seed: number, number: number): string[] {
  return diceFor(seed, `halves ${number}`).chance(0.2) ? ["halves=1"] : [];
}

function script(dice: Dice, kind: ScriptedFault, place: number): string[] {
  switch (kind) {
    case "providerRefuses":
      return [`refuse=${dice.pick([401, 429, 500, 503, 529, "context"])}`, `failTimes=${1 + dice.below(3)}`];
    case "providerCuts":
      return [`cutAfter=${place}`, ...(place === 0 ? [`failTimes=${1 + dice.below(3)}`] : [])];
    case "providerErrors":
      return [`errorAfter=${place}`, ...(place === 0 ? [`failTimes=${1 + dice.below(3)}`] : [])];
    case "providerSlow":
      return [];
    case "providerSplitsCharacters":
      return ["unicode=1", `chunk=${1 + dice.below(9)}`];
    case "providerRepeats":
      return [`overlap=${dice.pick([5, 19, 20, 40, 150, 200])}`];
    default:
      return kind satisfies never;
  }
}

/** Tokens that are out when a stage of the model's has come. */
export function placeOf(stage: Stage, tokens: number, middle: number): number {
  if (stage === "beforeFirstToken") return 0;
  return stage === "middle" ? middle : tokens;
}

/** Tokens with which the reply begins: as many as the earlier version has where it broke off. */
function firstPlace({ second, middle }: Scenario): number {
  return second === "continue" ? Math.ceil(middle / 2) : 0;
}

/** The POST that brings the message is to be disturbed before its answer comes. */
export function holdsHeadOfMessage({ sending, faults, strikes }: Scenario): boolean {
  return sending === "post" && [...faults, ...strikes].some(({ stage }) => stage === "beforeHead");
}

/** Where an answer is held that brings its message's, the server has the message, which one sees by the model. */
export function isModelHeldAt(stage: Stage, scenario: Scenario): boolean {
  const isAnswerHeld = stage === "beforeHead" && scenario.headHeld === "down";
  return isHoldable(stage) || (isAnswerHeld && holdsHeadOfMessage(scenario));
}

/** Where the model waits until the suite has done what is to be done there. */
export function holdPlaces(scenario: Scenario): number[] {
  const { faults, strikes, tokens, middle } = scenario;
  const places = [...faults.filter(({ kind }) => !isScripted(kind)), ...strikes]
    .map(({ stage }) => stage)
    .filter((stage) => stage !== null)
    .filter((stage) => ["beforeFirstToken", "middle", "lastFlush", "finish"].includes(stage))
    .map((stage) => Math.max(firstPlace(scenario), placeOf(stage, tokens, middle)));
  // The page finds out only after a while that its POST does not answer, and the model is not to be done by then.
  if (holdsHeadOfMessage(scenario)) places.push(firstPlace(scenario));
  return [...new Set(places)].sort((a, b) => a - b);
}

const topics = ["comets", "tides", "bees", "glaciers", "bridges", "chess", "violins", "volcanoes"];

/**
 * The marker tells whose request it is, wherever it is seen. `firstAsk` is the message of the earlier turn, the same one
 * where another version of its reply is asked for.
 */
export function askOf(scenario: Scenario): { ask: string; firstAsk: string; marker: string } {
  const { seed, number, tokens, rate, think, thoughtHeldAfter, directives } = scenario;
  const marker = `mark${seed.toString(36)}x${number}x`;
  const places = holdPlaces(scenario);
  const all = [`tokens=${tokens}`, `rate=${rate}`, ...directives];
  if (think > 0) all.push(`think=${think}`);
  if (thoughtHeldAfter !== null && places[0] === firstPlace(scenario))
    all.push(`holdThought=${thoughtHeldAfter}`);
  if (places.length > 0) all.push(`holdAt=${places.join(",")}`);
  if (scenario.second === "retry") all.push("refuse=401", "failTimes=1");
  if (scenario.second === "continue") all.push(`cutAfter=${firstPlace(scenario)}`);
  const about = `Tell me about ${topics[number % topics.length]} ${marker}`;
  const ask = `${about} [demo ${all.join(" ")}]`;
  const isOther = scenario.second === "message" || scenario.second === "edit";
  return { ask, firstAsk: isOther ? `${about} first [demo tokens=24 rate=0 text=plain]` : ask, marker };
}

/** How long the model takes undisturbed, with the waits before it is asked again. Each attempt thinks anew. */
export function workMsOf({ tokens, rate, think, faults, strikes }: Scenario): number {
  const msOf = (count: number) => (rate === 0 ? count * 2 : (count * 1_000) / rate);
  const speakingMs = msOf(tokens + think * (1 + strikes.length));
  const retriesMs = faults.some(({ kind }) => kind.startsWith("provider")) ? 3_000 : 0;
  return speakingMs + retriesMs;
}

export function describeScenario(scenario: Scenario): string {
  const faults = scenario.faults.map(({ kind, stage, durationMs }) => `${kind}@${stage}(${durationMs} ms)`);
  const strikes = scenario.strikes.map(
    ({ kind, stage, downMs }) => `${kind}@${stage ?? "anywhere"}(+${downMs} ms)`,
  );
  return `#${scenario.number} ${scenario.model} ${scenario.second ?? "newChat"} by ${scenario.sending} ${askOf(scenario).ask} · ${[...faults, ...strikes].join(", ")}`;
}

function diceFor(seed: number, purpose: string): Dice {
  return diceOf(Number.parseInt(hash("sha256", `${seed} ${purpose}`).slice(0, 8), 16));
}
