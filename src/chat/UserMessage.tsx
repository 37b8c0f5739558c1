/** One turn of the person, and the way to change it. */
import { useQuery } from "convex/react";
import { useEffect, useRef, useState } from "react";
import { api } from "../../convex/_generated/api.js";
import { editDraftKey } from "../sending/drafts.ts";
import { IconButton } from "../ui/IconButton.tsx";
import type { UserRow } from "./conversationRows.ts";
import { MessageEditor } from "./MessageEditor.tsx";
import { useDraft } from "./useDraft.ts";
import type { VersionControl } from "./useVersions.ts";
import { VersionSwitcher } from "./VersionSwitcher.tsx";

export function UserMessage({ row, control }: { row: UserRow; control: VersionControl | null }) {
  const { messageId, text: ownText, versions } = row;
  const read = useQuery(
    api.messages.getText,
    ownText === null && messageId !== null ? { messageId } : "skip",
  );
  const text = ownText ?? read?.text;
  const draft = useDraft(editDraftKey(messageId ?? ""));
  const [isOpen, setIsOpen] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const givesFocusBack = useRef(false);
  // A draft that an earlier page left, or that was not taken, opens the editor again.
  const isEditing = messageId !== null && control !== null && (isOpen || draft.text !== "");

  useEffect(() => {
    if (isEditing || !givesFocusBack.current) return;
    givesFocusBack.current = false;
    editButton.current?.focus();
  }, [isEditing]);

  const open = () => {
    draft.write(text ?? "");
    setIsOpen(true);
  };
  const close = () => {
    givesFocusBack.current = true;
    draft.write("");
    setIsOpen(false);
  };
  const send = (changed: string) => {
    setIsOpen(false);
    control?.edit(row, changed);
  };
  return (
    <article data-testid="message" data-role="user" aria-label="You" className="group/message">
      {isEditing ? (
        <MessageEditor draft={draft} onSend={send} onCancel={close} />
      ) : (
        <div className="flex justify-end">
          <div className="max-w-[85%] rounded-2xl rounded-br-md bg-bubble px-4 py-2.5 sm:max-w-[75%]">
            {text === undefined ? (
              <div className="skeleton h-5 w-40" />
            ) : (
              <p data-testid="message-text" dir="auto" className="wrap-anywhere whitespace-pre-wrap">
                {text}
              </p>
            )}
          </div>
        </div>
      )}
      {control !== null && (
        <div className="-mb-5 flex min-h-8 items-center justify-end gap-x-1 pt-0.5 pointer-coarse:min-h-11">
          {!isEditing && messageId !== null && text !== undefined && (
            <IconButton
              ref={editButton}
              data-testid="edit"
              icon="pencil"
              size="medium"
              label="Edit"
              onClick={open}
              className="transition-opacity pointer-fine:opacity-0 pointer-fine:group-focus-within/message:opacity-100 pointer-fine:group-hover/message:opacity-100"
            />
          )}
          <VersionSwitcher of="message" versions={versions} onShow={control.show} />
        </div>
      )}
    </article>
  );
}
