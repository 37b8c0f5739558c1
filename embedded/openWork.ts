/** What the deployment has under way when it is told to stop: nothing new is begun, and what runs may end. */
import type { EngineClient } from "./engineClient.ts";
import type { Log } from "./log.ts";
import { DeploymentError } from "./protocol/deploymentError.ts";

/** The main thread's part: requests that are being answered, and whether new ones are taken. */
export class OpenWork {
  #isStopping = false;
  #openRequests = 0;

  get isStopping(): boolean {
    return this.#isStopping;
  }

  get openRequests(): number {
    return this.#openRequests;
  }

  refuseNew(): void {
    this.#isStopping = true;
  }

  /** Why nothing new is taken; null while it is. */
  refusal(): DeploymentError | null {
    if (!this.#isStopping) return null;
    return new DeploymentError("Unavailable", "The deployment is stopping. Try again in a moment.");
  }

  /** @returns what is called when the request is answered. Throws Unavailable when nothing new is taken. */
  begin(): () => void {
    const refusal = this.refusal();
    if (refusal !== null) throw refusal;
    this.#openRequests++;
    let isOpen = true;
    return () => {
      if (isOpen) this.#openRequests--;
      isOpen = false;
    };
  }
}

export interface LettingEnd {
  engine: Pick<EngineClient, "request" | "ended">;
  /** Of the deployment port. */
  openRequests: () => number;
  graceMs: number;
  log: Log;
}

const askEveryMs = 50;

/** Resolves when nothing runs any more, or the time is over. Never rejects: an engine that is gone has nothing left to end. */
export async function letWorkEnd({ engine, openRequests, graceMs, log }: LettingEnd): Promise<void> {
  const endsAtMs = performance.now() + graceMs;
  let told = "";
  try {
    await settledWithin(engine.request("stopWork"), graceMs);
    for (;;) {
      const { actions } = await engine.request("runningWork");
      if (actions === 0 && openRequests() === 0) return;
      const leftMs = endsAtMs - performance.now();
      const running = `${actions} actions and ${openRequests()} requests`;
      if (leftMs <= 0) {
        log("warn", `Stopping although ${running} have not ended.`);
        return;
      }
      if (running !== told)
        log(
          "warn",
          `Stopping: ${running} may end within ${Math.ceil(leftMs / 1000)} s. A second signal ends them at once.`,
        );
      told = running;
      await new Promise((resolve) => setTimeout(resolve, Math.min(askEveryMs, leftMs)));
    }
  } catch (error) {
    log("warn", `Stopping without waiting: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Rejects as the request does; resolves early when the time is over. */
async function settledWithin(request: Promise<void>, ms: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  await Promise.race([request, over.promise]).finally(() => clearTimeout(timer));
}
