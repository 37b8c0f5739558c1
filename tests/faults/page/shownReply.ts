/** A reply that is on the screen of a page when another version of it is asked for there. */
import type { RunStatus } from "../../../convex/shared/streamEvents.ts";
import type { Page } from "./page.ts";

/** A reply that has ended. */
export interface ShownReply {
  messageId: string;
  streamId: string;
  text: string;
  status: RunStatus;
  attempt: number;
}

/** As the page of its chat does. */
export function showInPage({ app }: Page, { messageId, streamId, text, status, attempt }: ShownReply): void {
  const store = app.replyStores.get(streamId, { status, attempt });
  store.receiveBody({ text, status: status === "failed" ? "error" : "done" });
  app.rememberContinued(messageId, streamId);
}
