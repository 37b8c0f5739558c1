/**
 * Whether the deployment itself answers. On a machine that is too busy it stands still for seconds, which is a fault like
 * those that the suite injects. A long one may kill runs, and the time in which they have to end begins after it; a short
 * one is only not counted into that time.
 */

export interface Outage {
  fromMs: number;
  /** Infinite while it lasts. */
  toMs: number;
}

/** A pump that has had no answer for ten seconds has given up; the suite sees an outage a little late. */
const fatalAfterMs = 5_000;

/** A shorter one delays a run, and a longer one may kill it. */
export function isFatal({ fromMs, toMs }: Outage): boolean {
  return toMs - fromMs >= fatalAfterMs;
}

/** A deployment that is well answers in milliseconds. */
const outageAfterMs = 1_500;
const probeEveryMs = 500;

export class PlatformHealth {
  readonly outages: Outage[] = [];
  private readonly probe: () => Promise<unknown>;
  private readonly timer: NodeJS.Timeout;
  private isAsking = false;

  /** `probe` resolves when the deployment has run a function. */
  constructor(probe: () => Promise<unknown>) {
    this.probe = probe;
    this.timer = setInterval(() => void this.ask(), probeEveryMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    const outage: Outage = { fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY };
    const isLate = setTimeout(() => this.outages.push(outage), outageAfterMs);
    // A deployment that is down is down by the suite's own doing, which is noted elsewhere.
    await this.probe().catch(() => undefined);
    clearTimeout(isLate);
    outage.toMs = Date.now();
    this.isAsking = false;
  }
}
