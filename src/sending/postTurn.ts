/** Sends a request with the POST that drives its reply: one round trip from Enter to the first token. */
import type { Turn } from "../../convex/shared/streamEvents.ts";
import { readChatStream, type Refusal, type StreamOutcome } from "../streaming/chatStreamReader.ts";
import type { DriverFeed } from "../streaming/replyStore.ts";
import { replyStores } from "../streaming/replyStores.ts";
import { beginContinuation } from "./continuedReplies.ts";
import type { TurnRequest } from "./turnRequest.ts";

export type PostOutcome =
  /** The server has the turn and this tab drives its reply. */
  | { kind: "driving"; turn: Turn }
  | { kind: "refused"; refusal: Refusal }
  /** The connection failed: the request may have arrived or not. */
  | { kind: "lost" }
  /** No answer in time, and none is awaited any more. */
  | { kind: "silent" };

/** Resolves when it is known what became of the request, long before the reply is there; never rejects. */
export function postTurn(url: string, turn: TurnRequest, runToken: string): Promise<PostOutcome> {
  const connection = new AbortController();
  const { promise, resolve } = Promise.withResolvers<PostOutcome>();
  let feed: DriverFeed | null = null;
  const stream = readChatStream({
    url,
    body: { turn, runToken },
    signal: connection.signal,
    onEvent: (event) => {
      if (event.kind === "start" && event.turn !== undefined) {
        beginContinuation(turn, event.turn.streamId);
        feed = replyStores.get(event.turn.streamId).beginDriving(connection);
        if (feed === null) connection.abort();
        resolve({ kind: "driving", turn: event.turn });
      }
      feed?.onEvent(event);
    },
    onActivity: () => feed?.onActivity(),
  });
  void stream.then((outcome) => {
    feed?.onEnd(outcome);
    resolve(whatBecameOfIt(outcome));
  });
  return promise;
}

function whatBecameOfIt(outcome: StreamOutcome): PostOutcome {
  switch (outcome.kind) {
    case "refused":
      return { kind: "refused", refusal: outcome };
    case "stalled":
      return { kind: "silent" };
    case "cut":
    case "aborted":
    case "finished":
      return { kind: "lost" };
    default:
      return outcome satisfies never;
  }
}
