/** What this server was asked and what it sent, for tests that have to know; bounded, oldest forgotten first. */
import type { ModelRequest, Turn, Wire } from "./conversation.ts";
import type { Directives } from "./directives.ts";
import type { ReplyPlan } from "./replyPlan.ts";

export type RequestState =
  | "streaming"
  | "onHold"
  | "finished"
  | "cut"
  | "clientGone"
  | "refused"
  | "cancelled";

export interface LoggedRequest {
  id: string;
  wire: Wire;
  model: string;
  system: string;
  messages: Turn[];
  startedAtMs: number;
  /** When its connection had ended, from whichever side (`clientGone`: theirs); null until then. */
  endedAtMs: number | null;
  /** In the background only: the number of the event after which each further reader began; null for the beginning. */
  resumedAfter: (number | null)[];
  /** What went out in this attempt so far. */
  sentText: string;
  sentReasoning: string;
  /** Tokens of this attempt that are not out. */
  unsentTokens: number;
  /** The whole reply this attempt works on, with what an earlier attempt has said already. */
  wholeText: string;
  isContinuation: boolean;
  state: RequestState;
  directives: Directives;
}

const mostRequests = 1000;

export class RequestLog {
  readonly #requests: LoggedRequest[] = [];
  readonly #attempts = new Map<string, number>();
  readonly #releases = new Map<string, () => void>();

  get requests(): readonly LoggedRequest[] {
    return this.#requests;
  }

  add(id: string, request: ModelRequest, plan: ReplyPlan): LoggedRequest {
    const logged: LoggedRequest = {
      id,
      wire: request.wire,
      model: request.model,
      system: request.system,
      messages: request.turns,
      startedAtMs: Date.now(),
      endedAtMs: null,
      resumedAfter: [],
      sentText: "",
      sentReasoning: "",
      unsentTokens: plan.tokens.length,
      wholeText: plan.wholeText,
      isContinuation: plan.isContinuation,
      state: "streaming",
      directives: plan.directives,
    };
    this.#requests.push(logged);
    if (this.#requests.length > mostRequests) {
      this.#requests.shift();
    }
    return logged;
  }

  /** Counts this attempt at a reply and says whether the faults asked for are to happen in it. */
  countAttempt(plan: ReplyPlan): boolean {
    const { failTimes } = plan.directives;
    if (failTimes === null) {
      return !plan.isContinuation;
    }
    const attempt = (this.#attempts.get(plan.replyKey) ?? 0) + 1;
    this.#attempts.set(plan.replyKey, attempt);
    return attempt <= failTimes;
  }

  hold(logged: LoggedRequest): Promise<void> {
    logged.state = "onHold";
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#releases.set(logged.id, () => {
      logged.state = "streaming";
      resolve();
    });
    return promise;
  }

  /** Lets one reply that is on hold go on, or all of them; answers how many. */
  release(id: string | null): number {
    const ids = [...this.#releases.keys()].filter((held) => id === null || held === id);
    for (const held of ids) {
      this.#releases.get(held)?.();
      this.#releases.delete(held);
    }
    return ids.length;
  }

  forgetHold(id: string): void {
    this.#releases.delete(id);
  }

  clear(): void {
    this.#requests.length = 0;
    this.#attempts.clear();
  }
}
