/**
 * How long a model has been silent, and whether that is too long. Counted in looks at the lease, of which a
 * sleeping machine makes none: what the model said meanwhile may yet be read.
 */
import { maxGenerationMs } from "./actionLifetime.ts";

/** Models that think before they speak are silent for minutes. */
const maxPauseMs = 90_000;
const maxThoughtMs = 5 * 60_000;

/** Behind the last word comes the bill, at once or never: a reply that is whole does not wait for it. */
const maxBillMs = 2_000;

/**
 * No try for a first word begins later: it ends, with its reason, before the reply would be handed on and all the
 * tries begin again.
 */
const lastTryMs = maxGenerationMs - maxThoughtMs;

export class ModelSilence {
  private hasSpoken = false;
  private hasFinished = false;
  private wordlessMs = 0;
  /** Since the last event; null while the model is not waited for. */
  private silentMs: number | null = null;

  /** The model is waited for. */
  begin(): void {
    this.silentMs = 0;
  }

  /** It is not waited for any more. */
  end(): void {
    this.silentMs = null;
  }

  /** A word or a thought has come: from now on only pauses count. */
  hear(): void {
    this.hasSpoken = true;
  }

  /** The model has said that it has finished. */
  finish(): void {
    this.hasFinished = true;
  }

  pass(ms: number): void {
    this.wordlessMs += this.hasSpoken ? 0 : ms;
    if (this.silentMs !== null) {
      this.silentMs += ms;
    }
  }

  /** Whether to wait for the model no longer. */
  get isTooLong(): boolean {
    if (this.silentMs === null) {
      return false;
    }
    if (this.hasFinished) {
      return this.silentMs >= maxBillMs;
    }
    return this.silentMs >= (this.hasSpoken ? maxPauseMs : maxThoughtMs);
  }

  /** Whether there is time left for another try; a model that has spoken is not asked again. */
  get allowsRetry(): boolean {
    return !this.hasSpoken && this.wordlessMs < lastTryMs;
  }
}
