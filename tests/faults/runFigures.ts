/** What a run of the suite tells of itself beside the table: how soon stops and ends came, and how messages were sent. */
import type { Evidence } from "./evidence.ts";

type Judged = Pick<Evidence, "requests" | "posts" | "stopAskedAtMs" | "endedAtMs" | "quietSinceMs">;

export class RunFigures {
  /** Milliseconds from a stop's request to the end of the model's connection. */
  private readonly stopsMs: number[] = [];
  /** Milliseconds from the moment since when nothing was wrong to the end of the run. */
  private readonly endsMs: number[] = [];
  private continuations = 0;
  private carrying = 0;

  add({ requests, posts, stopAskedAtMs, endedAtMs, quietSinceMs }: Judged): void {
    this.carrying += posts.filter(({ carriesTurn }) => carriesTurn).length;
    this.continuations += requests.filter(({ isContinuation }) => isContinuation).length;
    if (endedAtMs !== null) this.endsMs.push(Math.max(0, endedAtMs - quietSinceMs));
    if (stopAskedAtMs === null) return;
    for (const { startedAtMs, closedAtMs, state } of requests) {
      const wasOpen = startedAtMs < stopAskedAtMs && closedAtMs !== null && closedAtMs > stopAskedAtMs;
      if (wasOpen && state === "clientGone") this.stopsMs.push(closedAtMs - stopAskedAtMs);
    }
  }

  /** POSTs that brought their message along. */
  get postsWithTurn(): number {
    return this.carrying;
  }

  lines(): string[] {
    return [
      `${this.stopsMs.length} stops reached the model, after ${spread(this.stopsMs)}, also where faults held them up`,
      `${this.endsMs.length} runs ended, ${spread(this.endsMs)} after everything was right again`,
      `${this.continuations} times the model was asked to go on; ${this.carrying} POSTs carried their message`,
    ];
  }
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${median} ms at the median, ${sorted.at(-1) ?? 0} ms at most`;
}
