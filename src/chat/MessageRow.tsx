/** One turn of a conversation, whoever spoke and however far it has come. */
import type { ConversationRow } from "./conversationRows.ts";
import { LiveReply } from "./LiveReply.tsx";
import { PendingReply } from "./PendingReply.tsx";
import { UserMessage } from "./UserMessage.tsx";
import type { VersionControl } from "./useVersions.ts";

export function MessageRow({ row, control }: { row: ConversationRow; control: VersionControl | null }) {
  if (row.kind === "user") return <UserMessage row={row} control={control} />;
  if (row.reply !== null) return <LiveReply row={row} reply={row.reply} control={control} />;
  return <PendingReply row={row} control={control} />;
}
