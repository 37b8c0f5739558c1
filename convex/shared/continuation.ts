/** Which replies may be gone on with: the app offers it for these, the server refuses all others. */
import { hasEnded, type RunStatus } from "./streamEvents.ts";

/** UTF-16 units. A longer text fills the window of most models, and one transaction has to write it once more. */
export const maxContinuedLength = 300_000;

type Continuation =
  | { kind: "possible" }
  | { kind: "stillGrowing" }
  | { kind: "complete" }
  | { kind: "nothingThere" }
  | { kind: "tooLong" };

/** Whether another version of a reply can begin with its text, which is `textLength` units long, and go on from there. */
export function continuationOf(reply: {
  status: RunStatus;
  /** `length`: the model was cut off at its limit. The others are ends of its own. */
  finishReason: "stop" | "length" | "refused" | null;
  textLength: number;
}): Continuation {
  if (!hasEnded(reply.status)) {
    return { kind: "stillGrowing" };
  }
  if (reply.status === "complete" && reply.finishReason !== "length") {
    return { kind: "complete" };
  }
  if (reply.textLength === 0) {
    return { kind: "nothingThere" };
  }
  return reply.textLength > maxContinuedLength ? { kind: "tooLong" } : { kind: "possible" };
}
