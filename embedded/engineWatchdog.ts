/**
 * Sees from the main thread that the engine thread does not answer (a huge transaction, a crowd of slow calls), says so, and
 * has it ended when there is no more hope.
 */

export interface WatchdogParts {
  ping: () => Promise<void>;
  /** Ends the thread; another one follows. */
  endEngine: () => void;
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
/** Five minutes of a machine that is awake. What runs has a limit of seconds: such a silence is a loop that no limit covers. */
const hopelessAfterTicks = 300;

export function watchEngine(parts: WatchdogParts): EngineWatchdog {
  let askedAtMs: number | null = null;
  let ticksWaited = 0;
  let hasSaid = false;

  function waitedMs(): number {
    return askedAtMs === null ? 0 : parts.nowMs() - askedAtMs;
  }

  function answered(): void {
    if (hasSaid) parts.log(`The engine thread answers again, after ${Math.round(waitedMs() / 1000)} s.`);
    forget();
  }

  function forget(): void {
    askedAtMs = null;
    ticksWaited = 0;
    hasSaid = false;
  }

  const stop = parts.every(askEveryMs, () => {
    if (askedAtMs !== null) ticksWaited += 1;
    if (askedAtMs === null) {
      askedAtMs = parts.nowMs();
      // A rejection means that the thread has ended, which its owner sees and reports; the next one is asked anew.
      parts.ping().then(answered, forget);
    } else if (ticksWaited >= hopelessAfterTicks) {
      forget();
      parts.endEngine();
    } else if (!hasSaid && waitedMs() >= silentAfterMs) {
      hasSaid = true;
      parts.log(
        `The engine thread has not answered for ${Math.round(waitedMs() / 1000)} s: a function or a push keeps it busy.`,
      );
    }
  });

  return { silentMs: () => (waitedMs() >= silentAfterMs ? waitedMs() : 0), close: stop };
}
