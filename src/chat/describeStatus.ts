/** Names a reply's state in the words of the page. */
import type { ReplyState } from "../streaming/replyState.ts";

export interface StatusWords {
  label: string;
  tone: "working" | "quiet" | "warning" | "error";
}

interface ReplyCircumstances {
  hasText: boolean;
  /** The model had more to say and came to its limit. */
  isCutOff: boolean;
}

/** Null for a complete reply that has text and was not cut off: it says it all. The names are those of the buttons. */
export function describeStatus(
  state: ReplyState,
  { hasText, isCutOff }: ReplyCircumstances,
): StatusWords | null {
  switch (state) {
    case "sending":
      return { label: "Sending…", tone: "working" };
    case "offline":
      return { label: "Will be sent when you are back online", tone: "quiet" };
    case "queued":
      return { label: "In the queue…", tone: "working" };
    case "full":
      return { label: "All places are taken. The reply begins when one is free…", tone: "working" };
    case "waiting":
      return { label: "Waiting for the model…", tone: "working" };
    case "thinking":
      return { label: "Thinking…", tone: "working" };
    case "writing":
      return { label: "Writing…", tone: "working" };
    case "reconnecting":
      return { label: "Reconnecting… What was written is kept.", tone: "working" };
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
      return state satisfies never;
  }
}
