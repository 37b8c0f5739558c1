/** What the line under a reply may say, and what it may say after that: the one place that lists it. */
import type { RunStatus } from "../../convex/shared/streamEvents.ts";
import type { ReplyState } from "../../src/streaming/replyState.ts";

export type ReplyPhase = ReplyState;

const ends = ["complete", "stopped", "failed", "interrupted"] as const satisfies readonly ReplyPhase[];

const beforeText = ["queued", "full", "waiting", "thinking"] as const satisfies readonly ReplyPhase[];

const withText = ["writing", "reconnecting", "recovering"] as const satisfies readonly ReplyPhase[];

/**
 * What may follow, be it some frames later: a busy page draws few, so a phase may be passed over unseen. No way leads
 * from "writing" to a phase without text, and none from an end to anything: neither may flash.
 */
const mayFollow: Record<ReplyPhase, readonly ReplyPhase[]> = {
  offline: ["sending", ...beforeText, ...withText, ...ends],
  sending: ["offline", ...beforeText, ...withText, ...ends],
  queued: [...beforeText, ...withText, ...ends],
  full: [...beforeText, ...withText, ...ends],
  // A driver that is turned away, or leaves before its first token, finds its reply in the queue.
  waiting: [...beforeText, ...withText, ...ends],
  thinking: [...beforeText, ...withText, ...ends],
  writing: [...withText, ...ends],
  // These two may have text or none.
  reconnecting: [...beforeText, ...withText, ...ends],
  recovering: [...beforeText, ...withText, ...ends],
  complete: [],
  stopped: [],
  failed: [],
  interrupted: [],
};

const phaseOfWords: readonly [RegExp, ReplyPhase][] = [
  [/^Sending…$/, "sending"],
  [/^Will be sent when you are back online$/, "offline"],
  [/^In the queue…$/, "queued"],
  [/^All places are taken/, "full"],
  [/^Waiting for the model…$/, "waiting"],
  [/^Thinking…$/, "thinking"],
  [/^Reconnecting…/, "reconnecting"],
  [/^Writing…$/, "writing"],
  [/^Picking up where it left off…$/, "recovering"],
  [/^The model sent no text/, "complete"],
  [/^Cut off at the model’s limit/, "complete"],
  [/^Stopped$/, "stopped"],
  [/^Interrupted[. ]/, "interrupted"],
];

/** Null for words that no phase has. A complete reply says nothing; a failed one says why in many words. */
export function phaseOf(status: RunStatus, words: string): ReplyPhase | null {
  if (status === "failed") return "failed";
  if (words === "") return status === "complete" ? "complete" : null;
  return phaseOfWords.find(([pattern]) => pattern.test(words))?.[1] ?? null;
}

export function isAllowed(before: ReplyPhase, after: ReplyPhase): boolean {
  return before === after || mayFollow[before].includes(after);
}
