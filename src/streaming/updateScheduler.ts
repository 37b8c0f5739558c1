/** Folds a burst of changes into one update for each frame, so that a fast model does not cost a render for each token. */

/** A hidden tab draws no frames; its readers (and its screen reader) still get the text in this time. */
const HIDDEN_INTERVAL_MS = 200;

export interface UpdateScheduler {
  /** Runs the update soon; requests made until then are the same one. */
  request(update: () => void): void;
  cancel(): void;
}

export function createUpdateScheduler(): UpdateScheduler {
  let frame: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function cancel(): void {
    if (frame !== undefined) cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = undefined;
    timer = undefined;
  }

  return {
    request(update) {
      if (timer !== undefined) return;
      const run = () => {
        cancel();
        update();
      };
      if (document.visibilityState === "visible") frame = requestAnimationFrame(run);
      // Also while visible: a frame asked for just before the tab is hidden comes only when it is shown again.
      timer = setTimeout(run, HIDDEN_INTERVAL_MS);
    },
    cancel,
  };
}
