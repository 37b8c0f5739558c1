/** When a page without a screen shows what is new: there are no frames, and a turn of the loop stands for one. */
import type { UpdateScheduler } from "../../src/streaming/updateScheduler.ts";

/** A burst of events is one update, as in a frame. */
export function nextTickUpdates(): UpdateScheduler {
  let pending: NodeJS.Immediate | null = null;
  const cancel = () => {
    if (pending !== null) clearImmediate(pending);
    pending = null;
  };
  return {
    request(update) {
      pending ??= setImmediate(() => {
        pending = null;
        update();
      });
    },
    cancel,
  };
}
