/** The composer's one button: sends, or stops the reply that is being written. */
import { focusComposer } from "../ui/composerFocus.ts";
import { Icon } from "../ui/Icon.tsx";

export type ReplyControl =
  | { status: "idle" }
  /** A reply is on its way, or is to be as soon as the server has its message. */
  | { status: "replying"; stop: () => void }
  | { status: "stopping" };

const buttonClass =
  "ml-auto inline-flex size-9 shrink-0 items-center justify-center rounded-full transition-[background-color,opacity] disabled:cursor-default";

export function SendOrStop({ control, canSend }: { control: ReplyControl; canSend: boolean }) {
  if (control.status === "idle") {
    return (
      <button
        type="submit"
        data-testid="send"
        aria-label="Send"
        title="Send (Enter)"
        disabled={!canSend}
        className={`${buttonClass} bg-primary text-primary-foreground hover:bg-primary/88 disabled:bg-muted disabled:text-muted-foreground`}
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
  );
}
