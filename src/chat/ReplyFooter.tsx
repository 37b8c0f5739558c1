/** What stands under a reply: how it fares, what can be done about it, its other versions, who wrote it. */
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { IconButton } from "../ui/IconButton.tsx";
import { TextButton } from "../ui/TextButton.tsx";
import { CopyButton } from "./CopyButton.tsx";
import type { ReplyRow } from "./conversationRows.ts";
import { ModelName } from "./ModelName.tsx";
import { replyActionsOf } from "./replyActions.ts";
import type { ShownReply } from "./ReplyMessage.tsx";
import { ReplyStatusLine } from "./ReplyStatusLine.tsx";
import { useReplyState } from "./useReplyState.ts";
import type { VersionControl } from "./useVersions.ts";
import { VersionSwitcher } from "./VersionSwitcher.tsx";

interface ReplyFooterProps {
  row: ReplyRow;
  shown: ShownReply;
  /** Null where nothing can be asked for yet. */
  control: VersionControl | null;
}

export function ReplyFooter({ row, shown, control }: ReplyFooterProps) {
  const { status, reader, text, textKnown, thinksAloud, error } = shown;
  const ended = hasEnded(status);
  // Of an ended reply a text that is on its way is not called missing, nor of a live one called written.
  const hasText = text !== "" || (ended && !textKnown);
  const waitsForPlace = row.reply?.waitsForPlace ?? false;
  const state = useReplyState({ status, reader, hasText, waitsForPlace, thinksAloud });
  const finishReason = row.reply?.finishReason ?? null;
  const isOffered = control !== null && row.messageId !== null && textKnown;
  const { canContinue, another } = isOffered
    ? replyActionsOf({ status, finishReason, textLength: text.length })
    : { canContinue: false, another: "none" as const };
  const statusLine = (
    <ReplyStatusLine state={state} hasText={hasText} error={error} isCutOff={finishReason === "length"}>
      {canContinue && (
        <TextButton icon="goOn" data-testid="continue" onClick={() => control?.continueReply(row)}>
          Continue
        </TextButton>
      )}
      {another === "retry" && (
        <TextButton icon="again" data-testid="retry" onClick={() => control?.regenerate(row)}>
          Retry
        </TextButton>
      )}
    </ReplyStatusLine>
  );
  return (
    <footer className="mt-2 space-y-1.5">
      {ended && statusLine}
      <div className="flex min-h-8 flex-wrap items-center gap-x-1 pointer-coarse:min-h-11">
        {/* In the row of the buttons that take its place, so that nothing moves when the reply is complete. */}
        {!ended && statusLine}
        {ended && text !== "" && <CopyButton text={text} />}
        {another === "regenerate" && (
          <IconButton
            data-testid="regenerate"
            icon="again"
            size="medium"
            label="Regenerate"
            onClick={() => control?.regenerate(row)}
          />
        )}
        {control !== null && <VersionSwitcher of="reply" versions={row.versions} onShow={control.show} />}
        <ModelName modelId={row.model} />
      </div>
    </footer>
  );
}
