/**
 * Keeps a run while its pump works: heartbeats when there is nothing to persist, the question whether to
 * stop, and the fence. A pump that cannot reach the database gives the run up by itself, well before the
 * lease lets anybody else have it. How long a lease lasts is the database's to say, with each answer.
 */
import type { Clock } from "./clock.ts";
import { RunLostError } from "./runStore.ts";
import type { RunAnswer, RunStore } from "./runStore.ts";

/**
 * How often a pump that hears nothing from the database asks. A stop so reaches the provider within a second.
 */
const watchMs = 700;

/** Of a lease of fifteen seconds: a heartbeat is due after five, the run is given up after ten. */
const heartbeatShare = 1 / 3;
const fenceShare = 2 / 3;

export interface Lease {
  /** On the keeper's clock. The lease was given later than that, so it lives at least `leaseMs` from here. */
  askedAt: number;
  /** What was left of it when the database answered. */
  leaseMs: number;
}

export interface LeaseKeeperOptions {
  store: Pick<RunStore, "heartbeat" | "poll">;
  clock: Clock;
  /** As the claim gave it. */
  lease: Lease;
  onStop(): void;
  onLost(error: RunLostError): void;
  /** Called with every look at the lease. */
  onWatch(): void;
}

export class LeaseKeeper {
  private readonly options: LeaseKeeperOptions;
  /** By the answer to the latest question: a stop makes a lease shorter than it was. */
  private lease: Lease;
  /** The database has answered since the last look. */
  private hasHeard = false;
  private isAsking = false;
  private isStopped = false;
  private cancelWatch = () => {};
  private cancelFence = () => {};

  constructor(options: LeaseKeeperOptions) {
    this.options = options;
    this.lease = options.lease;
  }

  start(): void {
    this.setWatch();
    this.setFence();
  }

  stop(): void {
    this.isStopped = true;
    this.cancelWatch();
    this.cancelFence();
  }

  /** Makes a call that extends the lease, and notes its answer. Rejects as the call does. */
  async extend(call: () => Promise<RunAnswer>): Promise<void> {
    const askedAt = this.options.clock.now();
    try {
      const { stop, leaseMs } = await call();
      this.hasHeard = true;
      if (askedAt >= this.lease.askedAt) {
        this.lease = { askedAt, leaseMs };
        this.setFence();
      }
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

  private setWatch(): void {
    this.cancelWatch = this.options.clock.setTimer(() => this.watch(), watchMs);
  }

  private setFence(): void {
    if (this.isStopped) {
      return;
    }
    const { clock } = this.options;
    const { askedAt, leaseMs } = this.lease;
    this.cancelFence();
    this.cancelFence = clock.setTimer(
      () => {
        this.stop();
        this.options.onLost(
          new RunLostError("The database has not answered, and the lease is about to end."),
        );
      },
      Math.max(0, askedAt + Math.floor(leaseMs * fenceShare) - clock.now()),
    );
  }

  private watch(): void {
    this.setWatch();
    this.options.onWatch();
    if (!this.hasHeard && !this.isAsking) {
      const { askedAt, leaseMs } = this.lease;
      void this.ask(this.options.clock.now() - askedAt >= leaseMs * heartbeatShare);
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
