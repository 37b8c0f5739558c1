/** One turn of a conversation, whoever spoke and however far it has come. */
import type { ConversationRow } from "./conversationRows.ts";
import { LiveReply } from "./LiveReply.tsx";
import { PendingReply } from "./PendingReply.tsx";
import { UserMessage } from "./UserMessage.tsx";

export function MessageRow({ row }: { row: ConversationRow }) {
  if (row.kind === "user") return <UserMessage messageId={row.messageId} ownText={row.text} />;
  if (row.reply !== null) return <LiveReply reply={row.reply} />;
  return <PendingReply model={row.model} />;
}
