/** One chat: its conversation, which scrolls, and the composer below it. */
import { useCallback } from "react";
import { NEW_CHAT_DRAFT } from "../sending/drafts.ts";
import { focusComposer } from "../ui/composerFocus.ts";
import { ChatDeleted } from "./ChatDeleted.tsx";
import { ChatNotFound } from "./ChatNotFound.tsx";
import { Composer } from "./Composer.tsx";
import { ConversationContent } from "./ConversationContent.tsx";
import { JumpToLatest } from "./JumpToLatest.tsx";
import { NoModelNotice } from "./NoModelNotice.tsx";
import { useConversation } from "./useConversation.ts";
import { useHeldBack } from "./useHeldBack.ts";
import { useModelChoice } from "./useModelChoice.ts";
import { useReplyControl } from "./useReplyControl.ts";
import { useSend } from "./useSend.ts";
import { useStickToBottom } from "./useStickToBottom.ts";
import { useVersions } from "./useVersions.ts";

const nothing: [] = [];

export function ChatPage({ chatId, pageKey }: { chatId: string | null; pageKey: string }) {
  const { startedBy, send } = useSend(chatId, pageKey);
  const conversation = useConversation(chatId, startedBy);
  const chat = conversation.status === "ready" ? conversation.chat : null;
  const rows = "rows" in conversation ? conversation.rows : nothing;
  const tree = "tree" in conversation ? conversation.tree : nothing;
  const draftKey = chatId ?? NEW_CHAT_DRAFT;
  const choice = useModelChoice(chat?.model ?? null);
  const control = useReplyControl(rows, draftKey);
  const { scrollerRef, status: following, jumpToEnd } = useStickToBottom();

  const model = choice.status === "ready" ? choice.model.id : null;

  const sendFromHere = (text: string, clientRequestId?: string) => {
    // What is answered is what stands last on the screen, whatever else the chat's newest message is.
    send(text, { model, parentId: rows.at(-1)?.messageId ?? null, clientRequestId });
  };
  const sendAndFollow = (text: string) => {
    sendFromHere(text);
    jumpToEnd();
  };
  // A reader who has scrolled up meanwhile stays there.
  const holdBack = useHeldBack({ rows, draftKey, canSend: model !== null, onSend: sendFromHere });
  const onAsked = useCallback(() => {
    jumpToEnd();
    // What had the focus goes with the version that was shown.
    focusComposer();
  }, [jumpToEnd]);
  const versions = useVersions({ chatId, tree, model, onAsked });
  const sendExample = (prompt: string) => {
    sendAndFollow(prompt);
    // The card that had the focus goes.
    focusComposer();
  };
  if (conversation.status === "notFound") return <ChatNotFound />;
  if (conversation.status === "deleted") return <ChatDeleted />;

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <title>{chat === null ? "Duet" : `${chat.title} · Duet`}</title>
      {chat !== null && <h1 className="sr-only">{chat.title}</h1>}
      <div className="relative min-h-0 flex-1">
        {/* Before the first message there is no end to be at: an invitation is read from its top. */}
        <div
          ref={conversation.status === "new" && rows.length === 0 ? null : scrollerRef}
          data-testid="conversation"
          className="scroller h-full overflow-y-auto"
        >
          <div className="mx-auto flex min-h-full w-full max-w-3xl flex-col px-4 pt-6 pb-10 sm:px-6">
            <ConversationContent
              conversation={conversation}
              control={versions}
              onChooseExample={sendExample}
            />
          </div>
        </div>
        <div
          aria-hidden="true"
          className="pointer-events-none absolute inset-x-0 bottom-0 h-6 bg-linear-to-t from-background"
        />
        <JumpToLatest isShown={following === "away"} onJump={jumpToEnd} />
      </div>
      <div className="mx-auto w-full max-w-3xl px-3 pt-1 pb-[max(0.75rem,env(safe-area-inset-bottom))] sm:px-6 sm:pb-5">
        {choice.status === "unavailable" && <NoModelNotice models={choice.models} />}
        <Composer
          draftKey={draftKey}
          choice={choice}
          control={control}
          onSend={sendAndFollow}
          onHoldBack={holdBack}
        />
      </div>
    </div>
  );
}
