/** What a scenario can be besides its faults, and by what one sees that it really was: counted beside the table. */
import type { Evidence } from "./evidence.ts";
import type { Scenario, SecondTurn } from "./scenario.ts";

/** The app asks in another way by then. */
const lateMs = 1_500;

const secondTurn =
  (wanted: SecondTurn): Check =>
  ({ ids }, { second }) =>
    ids !== null && second === wanted;

type Check = (evidence: Evidence, scenario: Scenario) => boolean;

const hasPair = /[\ud800-\udbff][\udc00-\udfff]/;

const checks = {
  "a message after a reply": secondTurn("message"),
  "an edited message": secondTurn("edit"),
  "a reply regenerated": secondTurn("regenerate"),
  "a failed reply retried": secondTurn("retry"),
  "a broken reply continued": secondTurn("continue"),
  "the Anthropic wire": ({ requests }) => requests.some(({ wire }) => wire === "anthropic"),
  "the model thought": ({ requests }) => requests.some(hasThought),
  "a successor thought again": ({ requests }) =>
    requests.some((request) => request.isContinuation && hasThought(request)),
  "thoughts were broken off": ({ requests }) =>
    requests.some((request) => hasThought(request) && request.sentText === ""),
  "tokens ended in half a character": ({ requests }, { directives }) =>
    directives.includes("halves=1") && requests.some(({ sentText }) => hasPair.test(sentText)),
  "a reply broke off in half a character": ({ requests }) =>
    requests.some(({ sentText }) => !sentText.isWellFormed()),
  "plain text was read to its end": ({ plainReadings }) => plainReadings.some(({ end }) => end === "whole"),
  "plain text broke off": ({ plainReadings }) => plainReadings.some(({ end }) => end === "broken"),
  "a reader of plain text left": ({ plainReadings }) => plainReadings.some(({ end }) => end === "left"),
  "a POST with unknown fields was taken": ({ posts }) =>
    posts.some(({ hasUnknownFields, httpStatus }) => hasUnknownFields && httpStatus === 200),
  "a POST with its message got no answer": ({ posts }) =>
    posts.some(({ carriesTurn, httpStatus }) => carriesTurn && httpStatus === null),
  "a POST with its message was answered late": ({ posts }) =>
    posts.some(
      ({ carriesTurn, sentAtMs, answeredAtMs }) =>
        carriesTurn && answeredAtMs !== null && answeredAtMs - sentAtMs > lateMs,
    ),
} satisfies Record<string, Check>;

export type ScenarioKind = keyof typeof checks;

export const scenarioKinds = Object.keys(checks) as ScenarioKind[];

export function kindsOf(evidence: Evidence, scenario: Scenario): ScenarioKind[] {
  return scenarioKinds.filter((kind) => checks[kind](evidence, scenario));
}

function hasThought({ sentReasoning }: Evidence["requests"][number]): boolean {
  return sentReasoning !== "";
}
