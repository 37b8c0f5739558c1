/** Tells the reply stores when the device or the network came back, for a connection may have died in the meantime. */
import type { ReplyStores } from "./replyStores.ts";

/** The server pings a silent stream every few seconds, so this much silence on waking means that it is gone. */
const TOLERATED_SILENCE_ON_SHOW_MS = 6_000;
const TOLERATED_SILENCE_ONLINE_MS = 1_500;

/** Listens until the returned function is called. */
export function listenForWakeSignals(stores: ReplyStores): () => void {
  const onPageShow = (event: PageTransitionEvent) => {
    // A page out of the back-forward cache has lost its connections for certain.
    if (event.persisted) stores.wake(0);
  };
  const onOnline = () => stores.wake(TOLERATED_SILENCE_ONLINE_MS);
  const onVisibility = () => {
    if (document.visibilityState === "visible") stores.wake(TOLERATED_SILENCE_ON_SHOW_MS);
  };
  window.addEventListener("pageshow", onPageShow);
  window.addEventListener("online", onOnline);
  document.addEventListener("visibilitychange", onVisibility);
  return () => {
    window.removeEventListener("pageshow", onPageShow);
    window.removeEventListener("online", onOnline);
    document.removeEventListener("visibilitychange", onVisibility);
  };
}
