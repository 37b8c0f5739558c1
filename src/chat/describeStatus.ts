/** Names a reply's state in the words of the page. */
import type { RunStatus } from "../../convex/shared/streamEvents.ts";

export interface StatusWords {
  label: string;
  tone: "working" | "quiet" | "warning" | "error";
}

/** How this tab reads a reply; `sending`: the server does not have the message yet. */
export type ReplyReader = "sending" | "driver" | "spectator";

interface ReplyCircumstances {
  hasText: boolean;
  reader: ReplyReader;
}

/** A driver is a moment before its first token; for others somebody else's turn comes first. */
const queuedLabel = { sending: "Sending…", driver: "Thinking…", spectator: "In the queue…" } as const;

/** Null for a complete reply: its text says it all. */
export function describeStatus(
  status: RunStatus,
  { hasText, reader }: ReplyCircumstances,
): StatusWords | null {
  switch (status) {
    case "queued":
      return { label: queuedLabel[reader], tone: "working" };
    case "running":
      return { label: hasText ? "Writing…" : "Thinking…", tone: "working" };
    case "recovering":
      return { label: "Picking up where it left off…", tone: "working" };
    case "complete":
      return null;
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
