/**
 * Keeps a run while its pump works: heartbeats when there is nothing to persist, the question whether to
 * stop, and the fence. A pump that cannot reach the database gives the run up by itself, well before the
 * lease lets anybody else have it.
 */
import type { Clock } from "./clock.ts";
import { RunLostError } from "./runStore.ts";
import type { RunAnswer, RunStore } from "./runStore.ts";

/**
 * How often a pump that hears nothing from the database asks. A stop so reaches the provider within a second.
 */
const watchMs = 700;

/** Three of these fit into the lease. */
const heartbeatMs = 5_000;

/** Without an acknowledgement for so long the run is given up: five seconds before its lease ends. */
const fenceMs = 10_000;

export interface LeaseKeeperOptions {
  store: Pick<RunStore, "heartbeat" | "poll">;
  clock: Clock;
  /** When the lease was asked for. */
  acknowledgedAt: number;
  onStop(): void;
  onLost(error: RunLostError): void;
  /** Called with every look at the lease. */
  onWatch(): void;
}

export class LeaseKeeper {
  private readonly options: LeaseKeeperOptions;
  /** When the last acknowledged extension of the lease was asked for: the lease is at least as young. */
  private acknowledgedAt: number;
  /** The database has answered since the last look. */
  private hasHeard = false;
  private isAsking = false;
  private cancelTimer = () => {};

  constructor(options: LeaseKeeperOptions) {
    this.options = options;
    this.acknowledgedAt = options.acknowledgedAt;
  }

  start(): void {
    this.cancelTimer = this.options.clock.setTimer(() => {
      this.watch();
    }, watchMs);
  }

  stop(): void {
    this.cancelTimer();
  }

  /** Makes a call that extends the lease, and notes its answer. Rejects as the call does. */
  async extend(call: () => Promise<RunAnswer>): Promise<void> {
    const askedAt = this.options.clock.now();
    try {
      const { stop } = await call();
      this.acknowledgedAt = Math.max(this.acknowledgedAt, askedAt);
      this.hasHeard = true;
      if (stop) {
        this.options.onStop();
      }
    } catch (error) {
      if (error instanceof RunLostError) {
        this.options.onLost(error);
      }
      throw error;
    }
  }

  private watch(): void {
    const now = this.options.clock.now();
    if (now - this.acknowledgedAt > fenceMs) {
      this.options.onLost(new RunLostError("The database has not answered for ten seconds."));
      return;
    }
    this.start();
    this.options.onWatch();
    if (!this.hasHeard && !this.isAsking) {
      void this.ask(now - this.acknowledgedAt >= heartbeatMs);
    }
    this.hasHeard = false;
  }

  private async ask(isHeartbeatDue: boolean): Promise<void> {
    const { store } = this.options;
    this.isAsking = true;
    try {
      await (isHeartbeatDue ? this.extend(() => store.heartbeat()) : this.poll());
    } catch {
      // Lost runs were reported by `extend`; any other failure is asked again, until the fence falls.
    }
    this.isAsking = false;
  }

  private async poll(): Promise<void> {
    const answer = await this.options.store.poll();
    switch (answer) {
      case "go":
        return;
      case "stop":
        this.options.onStop();
        return;
      case "gone":
        this.options.onLost(new RunLostError("The run has ended or belongs to somebody else."));
        return;
      default:
        answer satisfies never;
    }
  }
}
