/** Where the person writes: the text, the model, and the button that sends or stops. */
import { useEffect, useRef, type FormEvent, type KeyboardEvent } from "react";
import { describeTooLong, maxPromptLength } from "../../convex/shared/promptLength.ts";
import { COMPOSER_ID, focusComposer } from "../ui/composerFocus.ts";
import { Icon } from "../ui/Icon.tsx";
import { IconButton } from "../ui/IconButton.tsx";
import { HeldBackNotice } from "./HeldBackNotice.tsx";
import { ModelPicker } from "./ModelPicker.tsx";
import { isSendKey } from "./sendKey.ts";
import { SendOrStop, type ReplyControl } from "./SendOrStop.tsx";
import { useDraft } from "./useDraft.ts";
import type { ModelChoice } from "./useModelChoice.ts";

interface ComposerProps {
  draftKey: string;
  choice: ModelChoice;
  control: ReplyControl;
  onSend: (text: string) => void;
  /** Lets the text be sent when the reply that is being written has ended. */
  onHoldBack: () => void;
}

const noModel = "Not sent: no model is set up yet. The note above says how; your text is kept.";

export function Composer({ draftKey, choice, control, onSend, onHoldBack }: ComposerProps) {
  const draft = useDraft(draftKey);
  const form = useRef<HTMLFormElement>(null);
  const text = draft.text.trim();
  const canSend = text !== "" && choice.status !== "unavailable";
  const isHeldBack = draft.heldBack !== undefined;

  useEffect(focusComposer, []);

  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (text !== "" && choice.status === "unavailable") draft.reportProblem(noModel);
    if (!canSend) return;
    if (text.length > maxPromptLength) {
      draft.reportProblem(describeTooLong(text.length));
      return;
    }
    if (control.status === "idle") onSend(text);
    else onHoldBack();
    focusComposer();
  };
  const takeBack = () => {
    draft.dismissProblem();
    focusComposer();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter picks a candidate and Escape leaves it.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") {
      if (isHeldBack) takeBack();
      else if (control.status === "replying") control.stop();
    }
    if (!isSendKey(event)) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };

  return (
    <form ref={form} onSubmit={onSubmit} aria-label="Message" className="w-full">
      {draft.problem !== null && (
        <div
          role="alert"
          className="mb-2 flex items-start gap-2.5 rounded-xl bg-destructive/10 py-2 pr-2 pl-3.5 text-sm"
        >
          <span className="mt-0.5 text-destructive">
            <Icon name="warning" size={16} />
          </span>
          <p className="wrap-anywhere flex-1 py-0.5">{draft.problem}</p>
          <IconButton icon="close" label="Dismiss" size="tiny" onClick={draft.dismissProblem} />
        </div>
      )}
      <HeldBackNotice isShown={isHeldBack} onTakeBack={takeBack} />
      <div className="composer-card">
        <div className="grow-text max-h-52 overflow-y-auto px-4 pt-3.5" data-text={draft.text}>
          <textarea
            id={COMPOSER_ID}
            data-testid="composer"
            aria-label="Message"
            placeholder="Ask anything"
            enterKeyHint="send"
            rows={1}
            dir="auto"
            value={draft.text}
            onChange={(event) => draft.write(event.target.value)}
            onKeyDown={onKeyDown}
          />
        </div>
        <div className="flex items-center justify-between gap-2 px-2 pt-1 pb-2">
          <ModelPicker choice={choice} />
          <SendOrStop control={control} canSend={canSend} isHeldBack={isHeldBack} />
        </div>
      </div>
    </form>
  );
}
