/**
 * Sees from the main thread that the engine thread does not answer (a huge transaction, a crowd of slow calls), says so, and
 * has it ended when there is no more hope.
 */

export interface WatchdogParts {
  /** Answers with the processor time that the thread has used so far, in ms. */
  ping: () => Promise<number>;
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
  /** Of the answer before. A thread that was replaced begins anew. */
  let usedCpuMs = 0;

  function waitedMs(): number {
    return askedAtMs === null ? 0 : parts.nowMs() - askedAtMs;
  }

  function answered(cpuMs: number): void {
    if (hasSaid) parts.log(answersAgain(waitedMs(), Math.max(0, cpuMs - usedCpuMs)));
    usedCpuMs = cpuMs;
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
      parts.ping().then(answered, () => {
        usedCpuMs = 0;
        forget();
      });
    } else if (ticksWaited >= hopelessAfterTicks) {
      forget();
      parts.endEngine();
    } else if (!hasSaid && waitedMs() >= silentAfterMs) {
      hasSaid = true;
      parts.log(
        `The engine thread has not answered for ${Math.round(waitedMs() / 1000)} s: a function or a push keeps it busy, or other programs the processor.`,
      );
    }
  });

  return { silentMs: () => (waitedMs() >= silentAfterMs ? waitedMs() : 0), close: stop };
}

/** Tells a thread that works from one that does not get a core: they have different remedies. */
function answersAgain(waitedMs: number, usedMs: number): string {
  const used = `It used ${(usedMs / 1000).toFixed(1)} s of processor time meanwhile`;
  const remedy = usedMs < waitedMs / 2 ? ": other programs had the processor, so give it more of one." : ".";
  return `The engine thread answers again, after ${Math.round(waitedMs / 1000)} s. ${used}${remedy}`;
}
