/** Lets a reply that goes on from an earlier one show that one's text from its first moment in this tab. */
import { replyStores } from "../streaming/replyStores.ts";
import type { TurnRequest } from "./turnRequest.ts";

/** The streams of the replies that this tab asked to continue, by message id: a few words each. */
const streamIds = new Map<string, string>();

export function rememberContinued(messageId: string, streamId: string): void {
  streamIds.set(messageId, streamId);
}

/** To be called as soon as the stream of the requested reply is known, before anything of it is read. */
export function beginContinuation(request: TurnRequest, streamId: string): void {
  const earlier = request.kind === "continue" ? streamIds.get(request.messageId) : undefined;
  if (earlier !== undefined) replyStores.beginWith(streamId, earlier);
}
