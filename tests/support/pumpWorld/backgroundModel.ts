/** A model that makes its response in the background, on the simulated clock: it goes on whoever reads it. */
import { ProviderError } from "../../../convex/providers/provider.ts";
import type { Provider, ProviderEvent, ProviderRequest } from "../../../convex/providers/provider.ts";
import type { SimClock } from "./simClock.ts";

export type BackgroundStep = { kind: "text" | "reasoning"; text: string } | { kind: "pause"; ms: number };

const onlyId = "resp_1";

export class BackgroundModel implements Provider {
  prompts = 0;
  replays = 0;
  readonly cancelled: string[] = [];
  private readonly clock: SimClock;
  private readonly steps: readonly BackgroundStep[];
  private readonly events: ProviderEvent[] = [];
  private waiters: (() => void)[] = [];

  constructor(clock: SimClock, steps: readonly BackgroundStep[]) {
    this.clock = clock;
    this.steps = steps;
  }

  /** The text so far. */
  said(): string {
    return this.events.map((event) => (event.kind === "text" ? event.text : "")).join("");
  }

  async *stream(_request: ProviderRequest, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    this.prompts += 1;
    if (this.prompts > 1) {
      throw new ProviderError("invalidRequest", "A second prompt was sent.");
    }
    void this.produce();
    yield { kind: "response", id: onlyId };
    yield* this.read(signal);
  }

  async *resume(id: string, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    this.replays += 1;
    if (id !== onlyId) {
      throw new ProviderError("invalidRequest", "There is no such response.");
    }
    yield* this.read(signal);
  }

  async cancel(id: string): Promise<void> {
    this.cancelled.push(id);
  }

  private async *read(signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
    });
    for (let next = 0; !signal.aborted;) {
      const event = this.events[next];
      if (event === undefined) {
        const more = new Promise<void>((resolve) => this.waiters.push(resolve));
        await Promise.race([more, aborted]);
        continue;
      }
      next += 1;
      yield event;
      if (event.kind === "finish") return;
    }
  }

  private async produce(): Promise<void> {
    for (const step of this.steps) {
      if (step.kind === "pause") {
        await this.clock.wait(step.ms);
      } else {
        this.add(step);
      }
    }
    this.add({ kind: "finish", reason: "stop" });
  }

  private add(event: ProviderEvent): void {
    this.events.push(event);
    const waiters = this.waiters;
    this.waiters = [];
    for (const wake of waiters) {
      wake();
    }
  }
}
