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
}

/** A driver is a moment before its first token; for others somebody else's turn comes first. */
const queuedLabel = {
  sending: "Sending…",
  offline: "Will be sent when you are back online",
  driver: "Thinking…",
  spectator: "In the queue…",
} as const satisfies Record<ReplyReader, string>;

/** Null for a complete reply that has text: it says it all. */
export function describeStatus(
  status: RunStatus,
  { hasText, reader }: ReplyCircumstances,
): StatusWords | null {
  switch (status) {
    case "queued":
      return { label: queuedLabel[reader], tone: reader === "offline" ? "quiet" : "working" };
    case "running":
      return { label: hasText ? "Writing…" : "Thinking…", tone: "working" };
    case "recovering":
      return { label: "Picking up where it left off…", tone: "working" };
    case "complete":
      return hasText ? null : { label: "The model sent no text. Send again.", tone: "quiet" };
    case "stopped":
      return { label: "Stopped", tone: "quiet" };
    case "failed":
      return { label: "Failed", tone: "error" };
    case "interrupted":
      return { label: "Interrupted. What was written is kept; send “go on” to continue.", tone: "warning" };
    default:
      return status satisfies never;
  }
}
