/**
 * The composer's button: sends, or stops the reply that is being written. Beside the latter, for a text that is there by
 * then, what Enter does: it is sent when the reply has ended.
 */
import { focusComposer } from "../ui/composerFocus.ts";
import { Icon } from "../ui/Icon.tsx";

export type ReplyControl =
  | { status: "idle" }
  /** A reply is on its way, or is to be as soon as the server has its message. */
  | { status: "replying"; stop: () => void }
  | { status: "stopping" };

const buttonClass =
  "inline-flex size-9 shrink-0 items-center justify-center rounded-full transition-[background-color,opacity] disabled:cursor-default";

interface SendOrStopProps {
  control: ReplyControl;
  canSend: boolean;
  isHeldBack: boolean;
}

export function SendOrStop({ control, canSend, isHeldBack }: SendOrStopProps) {
  if (control.status === "idle") {
    return (
      <button
        type="submit"
        data-testid="send"
        aria-label="Send"
        title="Send (Enter)"
        disabled={!canSend}
        className={`${buttonClass} ml-auto bg-primary text-primary-foreground hover:bg-primary/88 disabled:bg-muted disabled:text-muted-foreground`}
      >
        <Icon name="send" size={18} />
      </button>
    );
  }
  const onStop = () => {
    if (control.status === "replying") control.stop();
    // The button is disabled from now on, which would leave the keyboard nowhere.
    focusComposer();
  };
  return (
    <div className="ml-auto flex shrink-0 gap-2">
      {canSend && !isHeldBack && (
        <button
          type="submit"
          data-testid="send-later"
          aria-label="Send when the reply has ended"
          title="Send when the reply has ended (Enter)"
          className={`${buttonClass} border border-border text-foreground hover:bg-muted`}
        >
          <Icon name="send" size={18} />
        </button>
      )}
      <button
        type="button"
        data-testid="stop"
        aria-label={control.status === "stopping" ? "Stopping…" : "Stop the reply"}
        title={control.status === "stopping" ? "Stopping…" : "Stop the reply (Esc)"}
        disabled={control.status === "stopping"}
        onClick={onStop}
        className={`${buttonClass} bg-foreground text-background hover:opacity-85 disabled:opacity-40`}
      >
        <span aria-hidden="true" className="size-3 rounded-[3px] bg-current" />
      </button>
    </div>
  );
}
