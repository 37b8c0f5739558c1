/**
 * Keeps a run while its pump works: heartbeats when there is nothing to persist, the question whether to
 * stop, and the fence. A pump that cannot reach the database gives the run up by itself, well before the
 * lease lets anybody else have it. How long a lease lasts is the database's to say, with each answer.
 *
 *              the fence is due after a sleep
 *        held --------------------------------> unsure
 *         | <------ an answer asked for since ---- |
 *         | the fence is due, or the run is gone   | no such answer, or the run is gone
 *         v                                        v
 *        lost <------------------------------------+
 */
import type { Clock } from "./clock.ts";
import { RunLostError } from "./runStore.ts";
import type { RunAnswer, RunStore } from "./runStore.ts";

/**
 * How often a pump that hears nothing from the database asks. A stop so reaches the provider within a second.
 */
export const watchMs = 700;

/** Two looks that are further apart show that the machine slept, and that no answer could be heard. */
const sleptMs = 3_000;

/** How long a pump that woke up waits to hear whether the run is still its own. */
const wakeAnswerMs = 5_000;

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
  /** Called every `watchMs` while the run is held. */
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
  private lookedAt: number;
  /** When the question was asked whose answer decides whether the run is still held; null while it is. */
  private unsureSince: number | null = null;
  private waiters: (() => void)[] = [];
  private cancelWatch = () => {};
  private cancelFence = () => {};

  constructor(options: LeaseKeeperOptions) {
    this.options = options;
    this.lease = options.lease;
    this.lookedAt = options.clock.now();
  }

  start(): void {
    this.lookedAt = this.options.clock.now();
    this.setWatch();
    this.setFence();
  }

  stop(): void {
    this.isStopped = true;
    this.cancelWatch();
    this.cancelFence();
  }

  /**
   * Whether the run may be shown to be this pump's. False from the moment the fence is due, also before its
   * timer knows.
   */
  isHeld(): boolean {
    if (this.unsureSince === null && this.options.clock.now() >= this.fenceAt()) {
      this.reachFence();
    }
    return !this.isStopped && this.unsureSince === null;
  }

  /** Resolves when the run is held; never if it is lost, which `onLost` tells. */
  async held(): Promise<void> {
    while (!this.isHeld()) {
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  /** Makes a call that extends the lease, and notes its answer. Rejects as the call does. */
  async extend(call: () => Promise<RunAnswer>): Promise<void> {
    const askedAt = this.options.clock.now();
    try {
      const { stop, leaseMs } = await call();
      this.hasHeard = true;
      if (askedAt >= Math.max(this.lease.askedAt, this.unsureSince ?? Number.NEGATIVE_INFINITY)) {
        this.lease = { askedAt, leaseMs };
        this.unsureSince = null;
        this.setFence();
        this.wakeWaiters();
      }
      if (stop) {
        this.options.onStop();
      }
    } catch (error) {
      if (error instanceof RunLostError) {
        this.lose(error);
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
    this.cancelFence();
    this.cancelFence = clock.setTimer(() => this.reachFence(), Math.max(0, this.fenceAt() - clock.now()));
  }

  private fenceAt(): number {
    return this.lease.askedAt + Math.floor(this.lease.leaseMs * fenceShare);
  }

  /** The lease is about to end: either nobody answered, or the machine slept and nobody could be heard. */
  private reachFence(): void {
    if (this.isStopped) {
      return;
    }
    const { clock, store } = this.options;
    const now = clock.now();
    if (now - this.lookedAt < sleptMs) {
      this.giveUp();
      return;
    }
    this.unsureSince = now;
    this.lookedAt = now;
    this.cancelFence();
    this.cancelFence = clock.setTimer(() => this.giveUp(), wakeAnswerMs);
    this.extend(() => store.heartbeat()).catch(() => {
      // Something else that was asked since may have been answered.
      if (this.unsureSince !== null) {
        this.giveUp();
      }
    });
  }

  private giveUp(): void {
    this.lose(new RunLostError("The database has not answered, and the lease is about to end."));
  }

  private lose(error: RunLostError): void {
    if (!this.isStopped) {
      this.stop();
      this.options.onLost(error);
    }
  }

  private wakeWaiters(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const wake of waiters) {
      wake();
    }
  }

  private watch(): void {
    const isHeld = this.isHeld();
    if (this.isStopped) {
      return;
    }
    this.setWatch();
    this.lookedAt = this.options.clock.now();
    if (!isHeld) {
      return;
    }
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
        this.lose(new RunLostError("The run has ended or belongs to somebody else."));
        return;
      default:
        answer satisfies never;
    }
  }
}
