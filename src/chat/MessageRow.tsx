/** One turn of a conversation, whoever spoke and however far it has come. */
import type { ConversationRow } from "./conversationRows.ts";
import { LiveReply } from "./LiveReply.tsx";
import { ReplyMessage } from "./ReplyMessage.tsx";
import { UserMessage } from "./UserMessage.tsx";

export function MessageRow({ row }: { row: ConversationRow }) {
  if (row.kind === "user") return <UserMessage messageId={row.messageId} ownText={row.text} />;
  if (row.reply !== null) return <LiveReply reply={row.reply} />;
  return (
    <ReplyMessage
      streamId={null}
      status="queued"
      reader="sending"
      text=""
      textKnown={true}
      error={null}
      model={row.model}
    />
  );
}
