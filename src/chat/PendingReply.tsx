/** The place of a reply to a message that the server does not have yet. */
import { useIsOnline } from "../useIsOnline.ts";
import { ReplyMessage } from "./ReplyMessage.tsx";

export function PendingReply({ model }: { model: string }) {
  const isOnline = useIsOnline();
  return (
    <ReplyMessage
      streamId={null}
      status="queued"
      reader={isOnline ? "sending" : "offline"}
      text=""
      textKnown={true}
      error={null}
      model={model}
    />
  );
}
