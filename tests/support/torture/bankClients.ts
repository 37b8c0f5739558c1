/** Official clients of the fixture's `bank`, which write down all they are told. */
import { BaseConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { WebSocket } from "ws";
import type { Account, Reading, Row, Stream, Transfer, Transferred } from "./bankHistory.ts";
import type { Dice } from "./dice.ts";

export const groups = ["a", "b", "c"];
export const names = ["one", "two", "three", "four"];
export const openingBalance = 1_000;
const pageSize = 3;

const bank = {
  open: reference<"mutation", { groups: string[]; names: string[]; balance: number }, null>("bank:open"),
  transfer: reference<"mutation", Transfer & Record<string, unknown>, Transferred>("bank:transfer"),
  accountsOf: reference<"query", { group: string }, Row[]>("bank:accountsOf"),
  readAndTransfer: reference<
    "action",
    Transfer & Record<string, unknown>,
    { rows: Row[]; done: Transferred }
  >("bank:readAndTransfer"),
  transfersAfter: reference<"query", { number: number }, { number: number; key: string }[]>(
    "bank:transfersAfter",
  ),
};

/** Shared by all clients of a run. */
export class BankRecord {
  readonly transfers: { transfer: Transfer; done: Transferred }[] = [];
  readonly readings: Reading[] = [];
  readonly #dice: Dice;
  newestAcknowledged = 0;
  #keys = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  newTransfer(): Transfer & Record<string, unknown> {
    const dice = this.#dice;
    const from = this.#account();
    let to = this.#account();
    while (to.group === from.group && to.name === from.name) to = this.#account();
    return { key: `transfer ${++this.#keys}`, from, to, amount: 1 + dice.below(50) };
  }

  acknowledge(transfer: Transfer, done: Transferred): void {
    this.transfers.push({ transfer, done });
    this.newestAcknowledged = Math.max(this.newestAcknowledged, done.number);
  }

  read(who: string, rows: readonly Row[], notBefore: number): void {
    this.readings.push({ who, rows, notBefore });
  }

  #account(): Account {
    return { group: this.#dice.pick(groups), name: this.#dice.pick(names) };
  }
}

export async function openBank(url: string): Promise<void> {
  await new ConvexHttpClient(url, { logger: false }).mutation(bank.open, {
    groups,
    names,
    balance: openingBalance,
  });
}

export async function journalOf(url: string): Promise<{ number: number; key: string }[]> {
  const client = new ConvexHttpClient(url, { logger: false });
  const journal: { number: number; key: string }[] = [];
  for (;;) {
    const next = await client.query(bank.transfersAfter, { number: journal.at(-1)?.number ?? 0 });
    if (next.length === 0) return journal;
    journal.push(...next);
  }
}

/** Transfers and queries over HTTP, one after another. */
export async function workOverHttp(
  url: string,
  count: number,
  record: BankRecord,
  dice: Dice,
): Promise<void> {
  const client = new ConvexHttpClient(url, { logger: false });
  for (let done = 0; done < count; done++) {
    const notBefore = record.newestAcknowledged;
    const transfer = record.newTransfer();
    switch (dice.below(3)) {
      case 0:
        record.acknowledge(transfer, await client.mutation(bank.transfer, transfer, { skipQueue: true }));
        break;
      case 1:
        record.read(
          "HTTP query",
          await client.query(bank.accountsOf, { group: dice.pick(groups) }),
          notBefore,
        );
        break;
      default: {
        const { rows, done } = await client.action(bank.readAndTransfer, transfer);
        record.read("query of an action", rows, notBefore);
        record.acknowledge(transfer, done);
      }
    }
  }
}

/** A client over the WebSocket: subscribes, unsubscribes, transfers, and keeps what its queries show together. */
export class BankSession {
  readonly #client: BaseConvexClient;
  readonly #record: BankRecord;
  readonly #dice: Dice;
  readonly #who: string;
  readonly #states: Row[][] = [];
  readonly #subscribed = new Map<
    string,
    { path: string; args: Record<string, unknown>; unsubscribe: () => void }
  >();
  #wake: () => void = () => undefined;

  constructor(who: string, url: string, record: BankRecord, dice: Dice) {
    this.#who = who;
    this.#record = record;
    this.#dice = dice;
    this.#client = new BaseConvexClient(url, () => this.#onTransition(), {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      unsavedChangesWarning: false,
      logger: false,
    });
    for (const group of groups) this.#toggle(group, "accountsOf");
  }

  get stream(): Stream {
    return { who: this.#who, states: this.#states };
  }

  async work(count: number): Promise<void> {
    for (let done = 0; done < count; done++) {
      if (this.#dice.chance(0.15))
        this.#toggle(this.#dice.pick(groups), this.#dice.pick(["accountsOf", "page"]));
      const transfer = this.#record.newTransfer();
      const result = (await this.#client.mutation("bank:transfer", transfer as never)) as Transferred;
      this.#record.acknowledge(transfer, result);
      // What was acknowledged is in what its client sees.
      this.#record.read(`${this.#who} after its transfer`, this.#shown(), result.number);
    }
  }

  /** Watches everything, until it shows the end. */
  async catchUp(lastNumber: number): Promise<void> {
    for (const group of groups)
      if (!this.#subscribed.has(`accountsOf ${group}`)) this.#toggle(group, "accountsOf");
    while (Math.max(0, ...this.#shown().map(({ version }) => version)) < lastNumber)
      await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #toggle(group: string, name: "accountsOf" | "page"): void {
    const key = `${name} ${group}`;
    const open = this.#subscribed.get(key);
    if (open !== undefined) {
      open.unsubscribe();
      this.#subscribed.delete(key);
      return;
    }
    const path = `bank:${name}`;
    const args =
      name === "page" ? { group, paginationOpts: { numItems: pageSize, cursor: null, id: 1 } } : { group };
    const { unsubscribe } = this.#client.subscribe(path, args as never);
    this.#subscribed.set(key, { path, args, unsubscribe });
  }

  #onTransition(): void {
    this.#states.push(this.#shown());
    this.#wake();
  }

  /** The rows of all queries that have a result. */
  #shown(): Row[] {
    return [...this.#subscribed.values()].flatMap(({ path, args }) => {
      const result = this.#client.localQueryResult(path, args as never) as
        | Row[]
        | { page: Row[] }
        | undefined;
      if (result === undefined) return [];
      return Array.isArray(result) ? result : result.page;
    });
  }
}
