/** What a person can do with a reply that has ended. */
import { continuationOf } from "../../convex/shared/continuation.ts";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import type { ListedReply } from "./conversationRows.ts";

export interface ReplyActions {
  /** Go on from its text, in a version of its own. */
  canContinue: boolean;
  /** How another version from the start is offered: beside the others of its kind, or as the way out of a failure. */
  another: "none" | "regenerate" | "retry";
}

const noActions: ReplyActions = { canContinue: false, another: "none" };

/** Nothing is offered that the server would refuse. */
export function replyActionsOf(reply: {
  status: ListedReply["status"];
  finishReason: ListedReply["finishReason"];
  textLength: number;
}): ReplyActions {
  if (!hasEnded(reply.status)) return noActions;
  const hasFailed = reply.status === "failed" || reply.textLength === 0;
  return {
    canContinue: continuationOf(reply).kind === "possible",
    another: hasFailed ? "retry" : "regenerate",
  };
}
