/**
 * Whether the deployment itself answers. On a machine that is too busy it stands still for seconds, which is a fault like
 * those that the suite injects: runs may die of it, and the time in which they have to end begins after it.
 */

export interface Outage {
  fromMs: number;
  /** Infinite while it lasts. */
  toMs: number;
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
