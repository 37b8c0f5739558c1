/** What stands above the composer: the turns, a place kept for them, or an invitation. */
import { ConversationItem } from "./ConversationItem.tsx";
import { ConversationSkeleton } from "./ConversationSkeleton.tsx";
import { EmptyState } from "./EmptyState.tsx";
import { LoadEarlier } from "./LoadEarlier.tsx";
import type { Conversation } from "./useConversation.ts";
import type { VersionControl } from "./useVersions.ts";

/** More than a large screen shows of short turns. */
const RECENT_ROWS = 12;

interface ConversationContentProps {
  conversation: Exclude<Conversation, { status: "notFound" | "deleted" }>;
  control: VersionControl | null;
  onChooseExample: (prompt: string) => void;
}

export function ConversationContent({ conversation, control, onChooseExample }: ConversationContentProps) {
  if (conversation.status === "loading") return <ConversationSkeleton />;
  if (conversation.rows.length === 0) {
    return (
      <div className="my-auto py-8">
        <EmptyState onChoose={onChooseExample} />
      </div>
    );
  }
  return (
    <>
      {conversation.status === "ready" && <LoadEarlier earlier={conversation.earlier} />}
      <ol aria-label="Conversation" className="space-y-7">
        {conversation.rows.map((row, index) => (
          <ConversationItem
            key={row.key}
            row={row}
            control={control}
            isRecent={index >= conversation.rows.length - RECENT_ROWS}
          />
        ))}
      </ol>
    </>
  );
}
