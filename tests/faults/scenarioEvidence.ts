/** The evidence of one scenario: its empty beginning, and what the model server knows of a request at the end. */
import type { LoggedRequest } from "../../demo/requestLog.ts";
import type { Evidence, ModelRequestEvidence } from "./evidence.ts";
import type { ObservedReply } from "./observedReply.ts";
import { isFatal } from "./platformHealth.ts";
import { askOf, describeScenario, workMsOf, type Scenario } from "./scenario.ts";
import type { World } from "./world.ts";

/** Of a scenario that has not begun. */
export function emptyEvidence(scenario: Scenario): Evidence {
  return {
    title: describeScenario(scenario),
    ask: askOf(scenario).ask,
    ids: null,
    path: [{ role: "user", text: askOf(scenario).ask }],
    ancestors: null,
    earlier: [],
    base: "",
    messages: { user: 1, replies: 1 },
    workMs: workMsOf(scenario),
    injected: [],
    requests: [],
    clients: [],
    posts: [],
    plainReadings: [],
    stored: [],
    outages: [],
    stopAskedAtMs: null,
    isDeleted: false,
    undo: null,
    refusals: [],
    endedAtMs: null,
    quietSinceMs: 0,
    final: null,
    rowsLeft: {},
  };
}

/** Since when nothing but the suite's own holds was in the way of the reply. */
export function disturbedUntilMs(
  { health, crowdedUntilMs }: World,
  { injected }: Evidence,
  observed: ObservedReply | null,
): number {
  const faultsEnded = injected.map(({ endedAtMs }) => endedAtMs);
  const outagesEnded = health.outages.filter(isFatal).map(({ toMs }) => toMs);
  const waitedUntilMs = Math.min(crowdedUntilMs, observed?.waitedUntilMs ?? Date.now());
  return Math.max(waitedUntilMs, ...faultsEnded, ...outagesEnded);
}

/** `isDisturbed`: its connection was, by a fault. */
export function requestEvidence(
  world: World,
  request: LoggedRequest,
  isDisturbed: boolean,
): ModelRequestEvidence {
  const { wire, startedAtMs, messages, sentText, sentReasoning, wholeText, isContinuation, state } = request;
  return {
    wire,
    startedAtMs,
    sentReasoning,
    thoughtUntilMs: world.thoughtUntilMs(request),
    closedAtMs: world.closedAtMs(request),
    messages,
    sentText,
    wholeText,
    isContinuation,
    state,
    overlap: request.directives.overlap,
    isDisturbed,
  };
}
