/** A model that follows a script on the simulated clock, and remembers what it said and what of it was taken. */
import { ProviderError } from "../../../convex/providers/provider.ts";
import type { Provider, ProviderEvent, ProviderRequest } from "../../../convex/providers/provider.ts";
import type { SimClock } from "./simClock.ts";

export type ModelStep =
  | { kind: "text" | "reasoning"; text: string }
  | { kind: "pause"; ms: number }
  | { kind: "finish" }
  | { kind: "fails"; isRetryable: boolean }
  | { kind: "ends" }
  | { kind: "falls silent" };

export class SimModel implements Provider {
  /** What was said, and what of it was certainly taken: the next step was asked for. */
  readonly said = { text: "", reasoning: "" };
  readonly taken = { text: "", reasoning: "" };
  readonly signals: AbortSignal[] = [];
  /** It has said that it has finished, that was taken, and no word came after it. */
  hasFinished = false;
  private readonly clock: SimClock;
  private readonly steps: ModelStep[];
  private readonly noticesAbort: boolean;

  constructor(clock: SimClock, steps: readonly ModelStep[], noticesAbort: boolean) {
    this.clock = clock;
    this.steps = [...steps];
    this.noticesAbort = noticesAbort;
  }

  /** A second request goes on with the script where the first one failed. */
  async *stream(_request: ProviderRequest, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    this.signals.push(signal);
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
    });
    for (;;) {
      if (signal.aborted) {
        // Whatever it would say, nobody listens.
        return;
      }
      const step = this.steps.shift() ?? { kind: "ends" };
      switch (step.kind) {
        case "text":
        case "reasoning":
          this.hasFinished = false;
          this.said[step.kind] += step.text;
          yield step;
          this.taken[step.kind] = this.said[step.kind];
          break;
        case "finish":
          yield { kind: "finish", reason: "stop" };
          this.hasFinished = true;
          break;
        case "pause":
          await Promise.race([this.clock.wait(step.ms), ...(this.noticesAbort ? [aborted] : [])]);
          break;
        case "fails":
          throw new ProviderError(step.isRetryable ? "overloaded" : "auth", "The model failed.");
        case "falls silent":
          await (this.noticesAbort ? aborted : new Promise(() => {}));
          break;
        case "ends":
          return;
        default:
          step satisfies never;
      }
    }
  }
}
