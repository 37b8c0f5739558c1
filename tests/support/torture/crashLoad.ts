/**
 * Official clients that write to the fixture `torture` without pause while its deployment comes and goes, and what they
 * know: every mutation has a key of its own, so that what is done twice or by halves can be seen.
 */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { ConvexError } from "convex/values";
import { WebSocket } from "ws";
import type { ClientKnowledge } from "./crashRules.ts";
import type { Dice } from "./dice.ts";
import { observedWebSocket } from "./observedWebSocket.ts";

interface Operation extends Record<string, unknown> {
  key: string;
  client: string;
  seq: number;
  parts: number;
  hops: number;
  delayMs: number;
  acts: boolean;
  far: boolean;
  cancels?: string;
  fails: boolean;
}

export interface Total {
  client: string;
  count: number;
  lastSeq: number;
}

export const work = {
  apply: reference<"mutation", Operation, number>("work:apply"),
  applyByAction: reference<"action", Operation, number>("work:applyByAction"),
  totals: reference<"query", Record<string, never>, Total[]>("work:totals"),
  latest: reference<"query", { client: string }, string[]>("work:latest"),
};

const socketClients = 4;
const workersOfSocket = 3;
const httpClients = 3;

type Outcome = "open" | "acknowledged" | "refused" | "unknown";

export class CrashLoad implements ClientKnowledge {
  readonly acknowledged = new Set<string>();
  readonly refused = new Set<string>();
  /** What went against a promise of Convex, in sentences. */
  readonly faults: string[] = [];
  readonly sockets: ConvexClient[] = [];
  newestTs = 0n;
  readonly #outcomes = new Map<string, Outcome>();
  readonly #dice: Dice;
  readonly #url: string;
  readonly #farKeys: string[] = [];
  readonly #workers: Promise<void>[] = [];
  readonly #lastSeq = new Map<string, number>();
  /** Settled while the deployment takes requests. */
  #up = Promise.withResolvers<void>();
  #isUp = false;
  #isStopping = false;
  #countDown = { left: 0, reached: () => {} };

  constructor(url: string, dice: Dice) {
    this.#url = url;
    this.#dice = dice;
    for (let index = 0; index < socketClients; index++) this.#startSocketClient(`socket${index}`);
    for (let index = 0; index < httpClients; index++) this.#workers.push(this.#runHttpWorker(`http${index}`));
  }

  /** Operations whose client has not been told how they ended. */
  get openKeys(): string[] {
    return [...this.#outcomes].filter(([, outcome]) => outcome === "open").map(([key]) => key);
  }

  /** The deployment takes requests: HTTP clients go on. */
  deploymentIsUp(): void {
    this.#isUp = true;
    this.#up.resolve();
  }

  deploymentIsDown(): void {
    if (this.#isUp) this.#up = Promise.withResolvers<void>();
    this.#isUp = false;
  }

  /** Resolves when so many more operations have been acknowledged. */
  acknowledgments(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#countDown = { left: count, reached: resolve };
      if (count === 0) resolve();
    });
  }

  /** No new operations: resolves when all that were begun have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers);
  }

  async close(): Promise<void> {
    for (const client of this.sockets) await client.close();
  }

  #startSocketClient(name: string): void {
    let newestTs = 0n;
    const onTs = (ts: bigint): void => {
      if (ts < newestTs) this.faults.push(`${name} was told ${ts} after ${newestTs}`);
      newestTs = ts;
      if (ts > this.newestTs) this.newestTs = ts;
    };
    const client = new ConvexClient(this.#url, {
      webSocketConstructor: observedWebSocket(WebSocket, onTs),
      unsavedChangesWarning: false,
      logger: false,
    });
    this.sockets.push(client);
    const seen = this.#watchTotals(name, client);
    const apply = async (operation: Operation): Promise<number> => {
      const count = await client.mutation(work.apply, operation);
      if (seen.own < count)
        this.faults.push(`${name} was told of its mutation ${count} and sees ${seen.own}`);
      return count;
    };
    for (let worker = 0; worker < workersOfSocket; worker++)
      this.#workers.push(this.#runSocketWorker(name, apply));
    this.#workers.push(this.#runActionWorker(`${name}-action`, client));
  }

  #watchTotals(name: string, client: ConvexClient): { own: number } {
    const seen = { own: 0 };
    const counts = new Map<string, number>();
    client.onUpdate(work.totals, {}, (totals) => {
      for (const total of totals) {
        const before = counts.get(total.client) ?? 0;
        if (total.count < before)
          this.faults.push(`${name} saw ${total.client} go from ${before} to ${total.count}`);
        counts.set(total.client, total.count);
      }
      seen.own = counts.get(name) ?? 0;
    });
    client.onUpdate(work.latest, { client: name }, () => undefined);
    return seen;
  }

  /** A mutation over the WebSocket is repeated by the client until it is answered: it never fails by a crash. */
  async #runSocketWorker(name: string, apply: (operation: Operation) => Promise<number>): Promise<void> {
    while (!this.#isStopping) await this.#attempt(this.#nextOperation(name), apply, "never");
  }

  /** What went wrong on the way is never repeated, neither by this client nor by the deployment. */
  async #runHttpWorker(name: string): Promise<void> {
    const client = new ConvexHttpClient(this.#url, { logger: false });
    while (!this.#isStopping) {
      await this.#up.promise;
      await this.#attempt(
        this.#nextOperation(name),
        (operation) => client.mutation(work.apply, operation, { skipQueue: true }),
        "fetch failed",
      );
    }
  }

  /** Actions are not repeated either. */
  async #runActionWorker(name: string, client: ConvexClient): Promise<void> {
    while (!this.#isStopping) {
      await this.#up.promise;
      await this.#attempt(
        { ...this.#nextOperation(name), fails: false },
        (operation) => client.action(work.applyByAction, operation),
        "Connection lost while action was in flight",
      );
    }
  }

  async #attempt(
    operation: Operation,
    apply: (operation: Operation) => Promise<number>,
    lossOfConnection: string,
  ): Promise<void> {
    const { key } = operation;
    this.#outcomes.set(key, "open");
    try {
      await apply(operation);
      if (operation.fails) this.faults.push(`${key} threw and its client was told of a success`);
      this.#outcomes.set(key, "acknowledged");
      this.acknowledged.add(key);
      if (operation.far) this.#farKeys.push(key);
      this.#countDown.left--;
      if (this.#countDown.left === 0) this.#countDown.reached();
    } catch (error) {
      this.#outcomes.set(key, this.#judge(key, error, lossOfConnection));
    }
  }

  #judge(key: string, error: unknown, lossOfConnection: string): Outcome {
    if (error instanceof ConvexError && (error.data as { key?: string }).key === key) {
      this.refused.add(key);
      return "refused";
    }
    const message = error instanceof Error ? error.message : String(error);
    if (!message.includes(lossOfConnection)) this.faults.push(`${key} ended with: ${message}`);
    return "unknown";
  }

  #nextOperation(client: string): Operation {
    const dice = this.#dice;
    const seq = (this.#lastSeq.get(client) ?? 0) + 1;
    this.#lastSeq.set(client, seq);
    const cancels = dice.chance(0.5) ? this.#farKeys.pop() : undefined;
    return {
      key: `${client}-${seq}`,
      client,
      seq,
      parts: 1 + dice.below(4),
      hops: dice.below(4),
      delayMs: dice.pick([0, 0, 5, 100]),
      acts: dice.chance(0.2),
      far: dice.chance(0.15),
      fails: dice.chance(0.05),
      ...(cancels === undefined ? {} : { cancels }),
    };
  }
}
