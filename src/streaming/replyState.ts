/**
 * What is happening to a reply, as one word for the person who looks at it. Of the run's own states this client sees
 * some in more detail, and adds what happens on its side of the wire.
 *
 *   offline <──(network)──> sending ──(the server has it)──┬──> queued ⇄ full      somebody else's turn comes first
 *                                                          v       v               (full: all places are taken)
 *                        recovering ───────────────────> waiting ──(silence)──> thinking
 *                             ^                            │                       │
 *                             └──(death)── writing <───────┴──────(first word)─────┘
 *
 *   every state after sending ──(the database is out of reach)──> reconnecting, unless this tab drives
 *   every state after sending ──> complete | stopped | failed | interrupted
 */
import type { RunStatus } from "../../convex/shared/streamEvents.ts";

export type EndState = Extract<RunStatus, "complete" | "stopped" | "failed" | "interrupted">;

export type ReplyState =
  | "sending"
  | "offline"
  | "queued"
  | "full"
  | "waiting"
  | "thinking"
  | "writing"
  | "reconnecting"
  | "recovering"
  | EndState;

/** How this tab reads a reply; `sending` and, without network, `offline`: the server does not have the message yet. */
export type ReplyReader = "sending" | "offline" | "driver" | "spectator";

export interface ReplyFacts {
  status: RunStatus;
  reader: ReplyReader;
  hasText: boolean;
  /** As many runs go on as may. */
  waitsForPlace: boolean;
  /** Longer than a reply that is about to be driven stands in the queue. */
  isQueuedLong: boolean;
  /** The model has said nothing for a while, or thinks aloud. */
  isThinking: boolean;
  /** The database has been out of reach for longer than a hiccup. */
  isDisconnected: boolean;
}

/** The end that a run has come to; null while it goes on. */
export function endState(status: RunStatus): EndState | null {
  return status === "queued" || status === "running" || status === "recovering" ? null : status;
}

export function replyState(facts: ReplyFacts): ReplyState {
  const { status, reader, isDisconnected } = facts;
  const end = endState(status);
  if (end !== null) return end;
  switch (reader) {
    case "sending":
    case "offline":
      return reader;
    case "driver":
      // Its text comes past the database, and it is nobody's turn but its own.
      return status === "recovering" ? status : workState(facts);
    case "spectator":
      if (isDisconnected) return "reconnecting";
      return status === "queued" ? queueState(facts) : status === "recovering" ? status : workState(facts);
    default:
      return reader satisfies never;
  }
}

function queueState({ isQueuedLong, waitsForPlace }: ReplyFacts): ReplyState {
  if (!isQueuedLong) return "waiting";
  return waitsForPlace ? "full" : "queued";
}

function workState({ hasText, isThinking }: ReplyFacts): ReplyState {
  if (hasText) return "writing";
  return isThinking ? "thinking" : "waiting";
}
