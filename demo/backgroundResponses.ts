/**
 * Responses in the background: each is produced to its end whether or not anybody reads it, and anybody who knows its
 * id may read it from its beginning, or after an event of a given number, until it is cancelled or forgotten.
 */
import type { ServerResponse } from "node:http";
import { RefusedRequest } from "./conversation.ts";
import { goneSignal, openEventBody } from "./eventBody.ts";
import type { LoggedRequest } from "./requestLog.ts";

const mostResponses = 1000;

export class BackgroundResponses {
  readonly #responses = new Map<string, BackgroundResponse>();

  add(id: string, response: BackgroundResponse): void {
    this.#responses.set(id, response);
    const [oldest] = this.#responses.keys();
    if (this.#responses.size > mostResponses && oldest !== undefined) {
      this.#responses.delete(oldest);
    }
  }

  /** @throws RefusedRequest (404), also where the response's directives say that it is forgotten. */
  get(id: string): BackgroundResponse {
    const response = this.#responses.get(id);
    if (response === undefined || response.logged.directives.replay === "unknown") {
      throw new RefusedRequest(404, `Response with id '${id}' not found.`);
    }
    return response;
  }

  cancelAll(): void {
    for (const response of this.#responses.values()) {
      response.cancel();
    }
  }
}

export class BackgroundResponse {
  readonly logged: LoggedRequest;
  /** As it may be retrieved: with its output once it has ended. */
  whole: { status: string };
  readonly #events: string[] = [];
  readonly #cancelled = new AbortController();
  readonly #readers = new Set<ServerResponse>();
  #hasEnded = false;
  #cutAt: number | null = null;
  #waiters: (() => void)[] = [];

  constructor(logged: LoggedRequest, whole: { status: string }) {
    this.logged = logged;
    this.whole = whole;
  }

  get cancelled(): AbortSignal {
    return this.#cancelled.signal;
  }

  /** Events, one or several, for whoever reads now or later. */
  record(events: string): void {
    this.#events.push(...events.split(/(?<=\n\n)/));
    this.#wake();
  }

  end(whole: { status: string }): void {
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      this.whole = whole;
      this.logged.endedAtMs = Date.now();
      this.#wake();
    }
  }

  /** Nothing for one that has ended. */
  cancel(): void {
    if (!this.#hasEnded) {
      this.logged.state = "cancelled";
      this.#cancelled.abort();
      this.end({ ...this.whole, status: "cancelled" });
    }
  }

  /** Breaks the connection of whoever asked for the response, once all that is recorded so far was sent to it. */
  cut(): void {
    this.#cutAt = this.#events.length;
    this.#wake();
  }

  /** Settles when those who read now have gone. */
  async unread(): Promise<void> {
    const readers = [...this.#readers];
    while (readers.some((reader) => this.#readers.has(reader))) {
      await this.#change();
    }
  }

  /** A further reader, as OpenAI has it. @throws RefusedRequest (400) for one that may only be retrieved whole. */
  async resume(response: ServerResponse, after: number | null): Promise<void> {
    if (this.logged.directives.replay === "tooOld") {
      const message = "This response can no longer be streamed because it is more than 5 minutes old.";
      throw new RefusedRequest(400, message);
    }
    this.logged.resumedAfter.push(after);
    await this.#send(response, after === null ? 0 : after + 1, false);
  }

  /** Whoever asked for the response is its first reader. Settles when it has gone, or has all there is. */
  async read(response: ServerResponse): Promise<void> {
    await this.#send(response, 0, true);
  }

  async #send(response: ServerResponse, from: number, isFirst: boolean): Promise<void> {
    const gone = goneSignal(response);
    const body = openEventBody(response, this.logged.directives.chunk, gone);
    this.#readers.add(response);
    gone.addEventListener("abort", () => {
      this.#readers.delete(response);
      this.#wake();
    });
    let next = from;
    while (!gone.aborted && (next < this.#events.length || !this.#hasEnded)) {
      if (isFirst && next === this.#cutAt) {
        response.socket?.destroySoon();
        return;
      }
      const event = this.#events[next];
      await (event === undefined ? this.#change() : body.write(event));
      next += event === undefined ? 0 : 1;
    }
    response.end();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) {
      wake();
    }
  }
}
