/** A model provider that says what a test tells it to say, when the test tells it. */
import type { Provider, ProviderEvent, ProviderRequest } from "../../convex/providers/provider.ts";

type Step = { event: ProviderEvent } | { error: Error } | { end: true };

export class ScriptedProvider implements Provider {
  readonly requests: ProviderRequest[] = [];
  /** Ids of responses, of replays and of those that were cancelled. */
  readonly resumed: string[] = [];
  readonly cancelled: string[] = [];
  /** Of the newest request. */
  signal: AbortSignal | null = null;
  /** Steps that were read; a pump that waits for room reads no further. */
  readSteps = 0;
  private steps: Step[] = [];
  private wake = () => {};

  say(...texts: string[]): void {
    for (const text of texts) {
      this.add({ event: { kind: "text", text } });
    }
  }

  send(event: ProviderEvent): void {
    this.add({ event });
  }

  finish(reason: "stop" | "length" | "refused" = "stop"): void {
    this.add({ event: { kind: "finish", reason } });
    this.add({ end: true });
  }

  /** Ends without a word of why, as a connection does that is cut. */
  end(): void {
    this.add({ end: true });
  }

  fail(error: Error): void {
    this.add({ error });
  }

  /** Like a provider whose connection does not notice an abort, it stays silent after one. */
  async *stream(request: ProviderRequest, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    this.requests.push(request);
    yield* this.follow(signal);
  }

  async *resume(responseId: string, signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    this.resumed.push(responseId);
    yield* this.follow(signal);
  }

  async cancel(responseId: string): Promise<void> {
    this.cancelled.push(responseId);
  }

  private async *follow(signal: AbortSignal): AsyncGenerator<ProviderEvent> {
    this.signal = signal;
    for (;;) {
      const step = this.steps.shift();
      if (step === undefined) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        continue;
      }
      this.readSteps += 1;
      if ("error" in step) {
        throw step.error;
      }
      if ("end" in step) {
        return;
      }
      yield step.event;
    }
  }

  private add(step: Step): void {
    this.steps.push(step);
    this.wake();
  }
}
