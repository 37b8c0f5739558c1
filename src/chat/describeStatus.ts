/** Names a reply's state in the words of the page. */
import type { RunStatus } from "../../convex/shared/streamEvents.ts";

export interface StatusWords {
  label: string;
  tone: "working" | "quiet" | "warning" | "error";
}

/** How this tab reads a reply; `sending` and, without network, `offline`: the server does not have the message yet. */
export type ReplyReader = "sending" | "offline" | "driver" | "spectator";

interface ReplyCircumstances {
  hasText: boolean;
  reader: ReplyReader;
  /** The model had more to say and came to its limit. */
  isCutOff: boolean;
}

/** A driver is a moment before its first token; for others somebody else's turn comes first. */
const queuedLabel = {
  sending: "Sending…",
  offline: "Will be sent when you are back online",
  driver: "Thinking…",
  spectator: "In the queue…",
} as const satisfies Record<ReplyReader, string>;

/** Null for a complete reply that has text and was not cut off: it says it all. The names are those of the buttons. */
export function describeStatus(
  status: RunStatus,
  { hasText, reader, isCutOff }: ReplyCircumstances,
): StatusWords | null {
  switch (status) {
    case "queued":
      return { label: queuedLabel[reader], tone: reader === "offline" ? "quiet" : "working" };
    case "running":
      return { label: hasText ? "Writing…" : "Thinking…", tone: "working" };
    case "recovering":
      return { label: "Picking up where it left off…", tone: "working" };
    case "complete":
      if (!hasText) return { label: "The model sent no text. Retry asks it again.", tone: "quiet" };
      return isCutOff
        ? { label: "Cut off at the model’s limit. Continue asks for the rest.", tone: "quiet" }
        : null;
    case "stopped":
      return { label: "Stopped", tone: "quiet" };
    case "failed":
      return { label: "Failed", tone: "error" };
    case "interrupted":
      return hasText
        ? { label: "Interrupted. What was written is kept: Continue goes on from there.", tone: "warning" }
        : { label: "Interrupted before anything was written. Retry asks again.", tone: "warning" };
    default:
      return status satisfies never;
  }
}
