/** The place of a reply that the server does not have yet. */
import { replyStores } from "../streaming/replyStores.ts";
import { useIsOnline } from "../useIsOnline.ts";
import type { ReplyRow } from "./conversationRows.ts";
import { ReplyMessage, type ShownReply } from "./ReplyMessage.tsx";
import type { VersionControl } from "./useVersions.ts";

interface PendingReplyProps {
  row: ReplyRow;
  control: VersionControl | null;
}

export function PendingReply({ row, control }: PendingReplyProps) {
  const isOnline = useIsOnline();
  const shown: ShownReply = {
    streamId: null,
    status: "queued",
    reader: isOnline ? "sending" : "offline",
    // An earlier version that is continued has ended: its text changes no more.
    text: row.beginsWith === null ? "" : replyStores.textOf(row.beginsWith),
    textKnown: true,
    thinksAloud: false,
    error: null,
  };
  return <ReplyMessage row={row} shown={shown} control={control} />;
}
