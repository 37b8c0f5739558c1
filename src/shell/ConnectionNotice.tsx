/** Says that the connection is gone, and that nothing is lost by it. */
import { useConnectionStatus, type ConnectionStatus } from "./useConnectionStatus.ts";

const words: Record<Exclude<ConnectionStatus, "connected">, string> = {
  offline: "You are offline. Replies go on without you; they will be here when you are back.",
  reconnecting: "Reconnecting… Replies are kept.",
  connecting: "Connecting to the server… If this stays, check that it is running.",
};

/** Takes room of its own, for over the page it would cover what is read. Empty, it is there to be heard when it fills. */
export function ConnectionNotice() {
  const status = useConnectionStatus();
  return (
    <output className="flex shrink-0 justify-center px-3">
      {status !== "connected" && (
        <span
          data-testid="connection-notice"
          className="my-2 flex items-center gap-2 rounded-2xl border border-border bg-card px-4 py-1.5 text-sm text-balance shadow-md"
        >
          <span aria-hidden="true" className="live-dot live-dot-waiting bg-warning" />
          {words[status]}
        </span>
      )}
    </output>
  );
}
