/**
 * Bytes that many readers may hold together, so that no crowd of senders costs the process its memory. Where it is used up, the
 * body whose sender has been silent longest makes room; when all go on sending, who would exceed it is refused.
 */
import { DeploymentError } from "../protocol/deploymentError.ts";

/** A sender who waits this long between two pieces can be dropped for others. */
const defaultSilentMs = 2_000;

export interface BudgetShare {
  /** Throws TooManyConcurrentRequests when the budget does not hold as much. */
  take(bytes: number): void;
  /** All that was taken. */
  giveBack(): void;
}

interface Holder {
  bytes: number;
  lastTakenMs: number;
  isDropped: boolean;
  onDrop: (refusal: DeploymentError) => void;
}

export class ByteBudget {
  readonly #maxBytes: number;
  readonly #silentMs: number;
  readonly #holders = new Set<Holder>();
  #heldBytes = 0;

  constructor(maxBytes: number, silentMs = defaultSilentMs) {
    this.#maxBytes = maxBytes;
    this.#silentMs = silentMs;
  }

  /** @param onDrop - Called when what was taken has been given to others. */
  share(onDrop: (refusal: DeploymentError) => void): BudgetShare {
    const holder: Holder = { bytes: 0, lastTakenMs: performance.now(), isDropped: false, onDrop };
    this.#holders.add(holder);
    return {
      take: (bytes) => {
        if (holder.isDropped) throw this.#exceeded();
        holder.lastTakenMs = performance.now();
        while (this.#heldBytes + bytes > this.#maxBytes) this.#dropSilent(holder);
        this.#heldBytes += bytes;
        holder.bytes += bytes;
      },
      giveBack: () => this.#release(holder),
    };
  }

  #release(holder: Holder): void {
    this.#heldBytes -= holder.bytes;
    holder.bytes = 0;
    this.#holders.delete(holder);
  }

  /** Throws when nobody but `asker` holds anything and is silent. */
  #dropSilent(asker: Holder): void {
    const latestMs = performance.now() - this.#silentMs;
    const silent = [...this.#holders]
      .filter((holder) => holder !== asker && holder.bytes > 0 && holder.lastTakenMs <= latestMs)
      .toSorted((left, right) => left.lastTakenMs - right.lastTakenMs)[0];
    if (!silent) throw this.#exceeded();
    silent.isDropped = true;
    this.#release(silent);
    silent.onDrop(this.#exceeded());
  }

  #exceeded(): DeploymentError {
    return new DeploymentError(
      "TooManyConcurrentRequests",
      `The bodies of all requests that are being received exceed ${this.#maxBytes} bytes. Back off and try again.`,
    );
  }
}
