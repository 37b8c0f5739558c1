/** Drives one reply that the server has: its tokens come to this client as they are written. */
import { readChatStream, type ChatStreamRequest, type StreamOutcome } from "./chatStreamReader.ts";
import type { ReplyStore } from "./replyStore.ts";

export type DriveOptions = Pick<ChatStreamRequest, "url" | "fetch" | "headTimeoutMs" | "stallTimeoutMs"> & {
  streamId: string;
  runToken: string;
};

/** Resolves when this client no longer drives, with the reason; null if it never did. Rejects with nothing. */
export async function driveReply(store: ReplyStore, options: DriveOptions): Promise<StreamOutcome | null> {
  const { streamId, runToken, ...stream } = options;
  const connection = new AbortController();
  const feed = store.beginDriving(connection);
  if (feed === null) return null;
  const outcome = await readChatStream({
    ...stream,
    body: { streamId, runToken },
    signal: connection.signal,
    onEvent: feed.onEvent,
    onActivity: feed.onActivity,
  });
  feed.onEnd(outcome);
  return outcome;
}
