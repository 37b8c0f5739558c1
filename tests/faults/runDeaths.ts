/** What can have killed or delayed a run, and what may be missing for that: only what befell it while it lived counts. */
import type { Evidence, ModelRequestEvidence } from "./evidence.ts";
import { isDeploymentFault } from "./faultTable.ts";
import { isFatal } from "./platformHealth.ts";

/** Thoughts are persisted once a second, and a busy machine takes a little longer. */
const persistedThoughtsAfterMs = 4_000;

/** How often text may have given way: at each take-over, and where a dead run was sealed as it was. */
export function deathsOf(evidence: Evidence): number {
  const attempts = Math.max(1, ...evidence.stored.map(({ attempt }) => attempt));
  const isSealed = evidence.final?.status === "interrupted" || evidence.final?.status === "stopped";
  const isDead = isSealed && strikesOf(evidence) >= attempts;
  return attempts - 1 + (isDead || wasStopSealed(evidence) ? 1 : 0);
}

/** A stop that its run does not hear of within three seconds is carried out without it: a short silence is enough. */
function wasStopSealed(evidence: Evidence): boolean {
  const { final, stopAskedAtMs, endedAtMs } = evidence;
  const isSealed = final?.status === "stopped" && !final.hasUsage;
  return isSealed && stopAskedAtMs !== null && wasSilent(evidence, stopAskedAtMs, endedAtMs);
}

/** What can have killed the run: faults of the deployment, and a silence of it after which pumps fence themselves. */
export function strikesOf({ injected, outages, endedAtMs }: Evidence): number {
  const untilMs = endedAtMs ?? Number.POSITIVE_INFINITY;
  const strikes = injected.filter(({ kind, atMs }) => isDeploymentFault(kind) && atMs <= untilMs);
  return strikes.length + outages.filter((outage) => isFatal(outage) && outage.fromMs <= untilMs).length;
}

/** The deployment did not answer at some time between these; null: ever after. */
export function wasSilent({ outages }: Evidence, fromMs: number, toMs: number | null): boolean {
  return outages.some(
    (outage) => outage.toMs >= fromMs && outage.fromMs <= (toMs ?? Number.POSITIVE_INFINITY),
  );
}

/** How long it was silent since all was right, each time too shortly to kill a run. */
export function shortOutagesMs({ outages, quietSinceMs, endedAtMs }: Evidence): number {
  const untilMs = endedAtMs ?? Number.POSITIVE_INFINITY;
  return outages
    .filter((outage) => !isFatal(outage))
    .map(({ fromMs, toMs }) => Math.min(toMs, untilMs) - Math.max(fromMs, quietSinceMs))
    .reduce((sum, ms) => sum + Math.max(0, ms), 0);
}

/** Units of what a request thought that cannot be missing: all but the last second's, where it broke off. */
export function thoughtsKept(evidence: Evidence, request: ModelRequestEvidence): number {
  const { final, requests, injected } = evidence;
  const { startedAtMs, sentReasoning, thoughtUntilMs, closedAtMs, state, isDisturbed } = request;
  const isHeldBack = injected.some(({ kind }) => kind === "providerLinkStall");
  if (isDisturbed || isHeldBack || wasSilent(evidence, startedAtMs, closedAtMs)) return 0;
  const isEnd = request === requests.at(-1) && final?.status !== "stopped" && final?.status !== "interrupted";
  const hasEndedItself = isEnd && (state === "finished" || state === "cut");
  const isLongAgo = thoughtUntilMs !== null && (closedAtMs ?? 0) - thoughtUntilMs > persistedThoughtsAfterMs;
  return hasEndedItself || isLongAgo ? sentReasoning.length : 0;
}
