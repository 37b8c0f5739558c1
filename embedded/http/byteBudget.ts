/** Bytes that many readers may hold together. Who would exceed it is refused, so that no crowd of senders costs the process its memory. */
import { DeploymentError } from "../protocol/deploymentError.ts";

export interface BudgetShare {
  /** Throws TooManyConcurrentRequests when the budget does not hold as much. */
  take(bytes: number): void;
  /** All that was taken. */
  giveBack(): void;
}

export class ByteBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  share(): BudgetShare {
    let taken = 0;
    return {
      take: (bytes) => {
        if (this.#heldBytes + bytes > this.#maxBytes) throw this.#exceeded();
        this.#heldBytes += bytes;
        taken += bytes;
      },
      giveBack: () => {
        this.#heldBytes -= taken;
        taken = 0;
      },
    };
  }

  #exceeded(): DeploymentError {
    return new DeploymentError(
      "TooManyConcurrentRequests",
      `The bodies of all requests that are being received exceed ${this.#maxBytes} bytes. Back off and try again.`,
    );
  }
}
