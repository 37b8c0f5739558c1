/** Changes a message that was sent: in its place, with the keys of the composer. */
import { useEffect, useId, useRef, type FormEvent, type KeyboardEvent } from "react";
import { describeTooLong, maxPromptLength } from "../../convex/shared/promptLength.ts";
import { isSendKey } from "./sendKey.ts";
import type { DraftEditor } from "./useDraft.ts";

interface MessageEditorProps {
  draft: DraftEditor;
  onSend: (text: string) => void;
  onCancel: () => void;
}

export function MessageEditor({ draft, onSend, onCancel }: MessageEditorProps) {
  const problemId = useId();
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft.text.trim();

  useEffect(() => {
    const element = field.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);

  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (text === "") return;
    if (text.length > maxPromptLength) draft.reportProblem(describeTooLong(text.length));
    else onSend(text);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onCancel();
    } else if (isSendKey(event)) {
      event.preventDefault();
      form.current?.requestSubmit();
    }
  };
  return (
    <form ref={form} onSubmit={onSubmit} aria-label="Edit message" className="composer-card">
      <div className="grow-text max-h-80 overflow-y-auto px-4 pt-3.5" data-text={draft.text}>
        <textarea
          ref={field}
          data-testid="editor"
          aria-label="Edit message"
          aria-describedby={draft.problem === null ? undefined : problemId}
          enterKeyHint="send"
          rows={1}
          dir="auto"
          value={draft.text}
          onChange={(event) => draft.write(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      {draft.problem !== null && (
        <p id={problemId} role="alert" className="wrap-anywhere px-4 pt-2 text-sm text-destructive">
          {draft.problem}
        </p>
      )}
      <div className="flex flex-wrap items-center justify-end gap-2 px-3 pt-2 pb-3">
        <p className="mr-auto px-1 text-sm text-muted-foreground">
          The message as it was stays, as a version.
        </p>
        <button
          type="button"
          data-testid="cancel-edit"
          onClick={onCancel}
          className="h-9 rounded-lg px-4 text-sm font-medium hover:bg-muted pointer-coarse:h-11"
        >
          Cancel
        </button>
        <button
          type="submit"
          data-testid="send-edit"
          disabled={text === ""}
          className="h-9 rounded-lg bg-primary px-4 text-sm font-medium text-primary-foreground hover:bg-primary/88 disabled:bg-muted disabled:text-muted-foreground pointer-coarse:h-11"
        >
          Send
        </button>
      </div>
    </form>
  );
}
