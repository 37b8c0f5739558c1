/** Sees from the main thread that the engine thread does not answer (a busy loop, a huge transaction) and says so. */

export interface WatchdogParts {
  ping: () => Promise<void>;
  log: (line: string) => void;
  nowMs: () => number;
  /** Returns what stops it. */
  every: (intervalMs: number, tick: () => void) => () => void;
}

export interface EngineWatchdog {
  /** Since when the engine owes an answer beyond what is normal; 0 while it answers. */
  silentMs: () => number;
  close: () => void;
}

const askEveryMs = 1_000;
/** A query or mutation may run one second; several may wait before a ping. */
const silentAfterMs = 5_000;

export function watchEngine(parts: WatchdogParts): EngineWatchdog {
  let askedAtMs: number | null = null;
  let hasSaid = false;

  function waitedMs(): number {
    return askedAtMs === null ? 0 : parts.nowMs() - askedAtMs;
  }

  function answered(): void {
    if (hasSaid) parts.log(`The engine thread answers again, after ${Math.round(waitedMs() / 1000)} s.`);
    askedAtMs = null;
    hasSaid = false;
  }

  const stop = parts.every(askEveryMs, () => {
    if (askedAtMs === null) {
      askedAtMs = parts.nowMs();
      // A rejection means that the thread has ended, which its owner sees and reports.
      parts.ping().then(answered, () => undefined);
    } else if (!hasSaid && waitedMs() >= silentAfterMs) {
      hasSaid = true;
      parts.log(
        `The engine thread has not answered for ${Math.round(waitedMs() / 1000)} s: a function or a push keeps it busy.`,
      );
    }
  });

  return { silentMs: () => (waitedMs() >= silentAfterMs ? waitedMs() : 0), close: stop };
}
