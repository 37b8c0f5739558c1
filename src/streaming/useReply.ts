/** Subscribes a component to one reply and feeds the reply's store with what it asks for from the database. */
import { useStream } from "@convex-dev/persistent-text-streaming/react";
import type { StreamId } from "@convex-dev/persistent-text-streaming";
import { useQuery } from "convex/react";
import { useLayoutEffect, useMemo, useSyncExternalStore } from "react";
import { api } from "../../convex/_generated/api.js";
import { chatStreamUrl } from "../deployment.ts";
import type { ReplyHead, ReplySnapshot } from "./replySnapshot.ts";
import { replyStores } from "./replyStores.ts";

/**
 * The reply's text and status as this tab knows them. Never starts a run. `beginsWith` is the stream of the reply that it
 * continues, if it does. Layout effects hand results to the store, so that no frame is painted between an answer and its
 * text.
 */
export function useReply(streamId: string, head: ReplyHead, beginsWith: string | null): ReplySnapshot {
  const { status, attempt } = head;
  if (beginsWith !== null) replyStores.beginWith(streamId, beginsWith);
  const store = replyStores.get(streamId, head);
  const snapshot = useSyncExternalStore(store.subscribe, store.getSnapshot);
  const wantsTail = snapshot.feed === "tail" || snapshot.feed === "tailAndBody";
  const wantsBody = snapshot.feed === "body" || snapshot.feed === "tailAndBody";
  const streamUrl = useMemo(() => new URL(chatStreamUrl()), []);

  const tail = useQuery(api.messages.getTail, wantsTail ? { streamId } : "skip");
  const body = useStream(
    api.chats.getChatBody,
    streamUrl,
    false,
    wantsBody ? (streamId as StreamId) : undefined,
  );

  useLayoutEffect(() => {
    store.receiveHead({ status, attempt });
  }, [store, status, attempt]);
  useLayoutEffect(() => {
    if (wantsTail && tail !== undefined) store.receiveTail(tail);
  }, [store, wantsTail, tail]);
  useLayoutEffect(() => {
    if (wantsBody) store.receiveBody(body);
  }, [store, wantsBody, body]);
  return snapshot;
}
