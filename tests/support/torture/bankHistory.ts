/**
 * What clients of the fixture's `bank` were told, and the check that one serial order explains all of it: that of the
 * transfers' numbers, which grow with each commit. Every account carries the number of the transfer that wrote it last,
 * so that each set of rows says between which two transfers it can have been read.
 */
export interface Account {
  group: string;
  name: string;
}

export interface Row extends Account {
  balance: number;
  version: number;
}

export interface Transfer {
  key: string;
  from: Account;
  to: Account;
  amount: number;
}

export interface Transferred {
  number: number;
  fromBefore: number;
  toBefore: number;
}

/** Rows that were read at one moment. */
export interface Reading {
  who: string;
  rows: readonly Row[];
  /** Newest transfer that was acknowledged to anybody before the question was asked. */
  notBefore: number;
}

/** What one client's live queries showed together, from each Transition to the next. */
export interface Stream {
  who: string;
  states: readonly (readonly Row[])[];
}

export interface BankHistory {
  openingBalance: number;
  transfers: readonly { transfer: Transfer; done: Transferred }[];
  readings: readonly Reading[];
  streams: readonly Stream[];
  /** As they are stored in the end. */
  journal: readonly { number: number; key: string }[];
}

/** In sentences; none when the history is serializable, and every stream goes forward and ends at the end. */
export function historyFaults(history: BankHistory): string[] {
  const ordered = history.transfers.toSorted((a, b) => a.done.number - b.done.number);
  const ledger = new Ledger(history.openingBalance);
  return [
    ...journalFaults(history),
    ...ordered.flatMap(({ transfer, done }) => ledger.apply(transfer, done)),
    ...history.readings.flatMap((reading) => readingFaults(ledger, reading)),
    ...history.streams.flatMap((stream) => streamFaults(ledger, stream)),
  ];
}

function journalFaults({ transfers, journal }: BankHistory): string[] {
  const faults: string[] = [];
  if (journal.some(({ number }, index) => number !== index + 1))
    faults.push("the transfers' numbers are not 1, 2, 3 …");
  const stored = new Map(journal.map(({ number, key }) => [key, number]));
  if (stored.size !== journal.length) faults.push("a transfer was applied twice");
  if (journal.length !== transfers.length)
    faults.push(`${transfers.length} transfers, ${journal.length} stored`);
  for (const { transfer, done } of transfers) {
    if (stored.get(transfer.key) !== done.number)
      faults.push(`${transfer.key} was told ${done.number} and is stored as ${stored.get(transfer.key)}`);
  }
  return faults;
}

function readingFaults(ledger: Ledger, { who, rows, notBefore }: Reading): string[] {
  const { faults, earliest, latest } = ledger.place(who, rows);
  if (faults.length > 0) return faults;
  if (latest < notBefore)
    return [`${who} was told what held until ${latest}, when ${notBefore} had been acknowledged`];
  return earliest > latest ? [`${who} was told rows of several moments: ${earliest} to ${latest}`] : [];
}

function streamFaults(ledger: Ledger, { who, states }: Stream): string[] {
  const faults: string[] = [];
  let reached = 0;
  for (const [index, rows] of states.entries()) {
    const placed = ledger.place(`${who}, state ${index}`, rows);
    faults.push(...placed.faults);
    if (placed.earliest > placed.latest)
      faults.push(`${who}, state ${index}: torn, its rows are of ${placed.earliest} and of ${placed.latest}`);
    if (placed.latest < reached)
      faults.push(`${who}, state ${index}: back to ${placed.latest} after ${reached}`);
    reached = Math.max(reached, placed.earliest);
  }
  const last = states.at(-1);
  if (last !== undefined && ledger.place(who, last).latest < ledger.end)
    faults.push(`${who} ends on a stale state`);
  return faults;
}

interface Written {
  number: number;
  balance: number;
}

/** Every balance that an account ever had. */
class Ledger {
  readonly #openingBalance: number;
  readonly #accounts = new Map<string, Written[]>();
  /** Number of the last transfer. */
  end = 0;

  constructor(openingBalance: number) {
    this.#openingBalance = openingBalance;
  }

  apply({ key, from, to, amount }: Transfer, { number, fromBefore, toBefore }: Transferred): string[] {
    this.end = number;
    const faults: string[] = [];
    for (const [account, before, change] of [
      [from, fromBefore, -amount],
      [to, toBefore, amount],
    ] as const) {
      const written = this.#writtenOf(account);
      const balance = written.at(-1)!.balance;
      if (before !== balance)
        faults.push(
          `${key} (${number}) read ${before} of ${account.group}/${account.name}, which had ${balance}`,
        );
      written.push({ number, balance: balance + change });
    }
    return faults;
  }

  /** From and until which transfer the rows held together. */
  place(who: string, rows: readonly Row[]): { faults: string[]; earliest: number; latest: number } {
    const faults: string[] = [];
    let [earliest, latest] = [0, Infinity];
    for (const row of rows) {
      const written = this.#writtenOf(row);
      const index = written.findIndex(({ number }) => number === row.version);
      if (written[index]?.balance !== row.balance) {
        faults.push(
          `${who} was told ${row.balance} of ${row.group}/${row.name} at ${row.version}, which never was`,
        );
        continue;
      }
      earliest = Math.max(earliest, row.version);
      latest = Math.min(latest, (written[index + 1]?.number ?? Infinity) - 1);
    }
    return { faults, earliest, latest };
  }

  #writtenOf({ group, name }: Account): Written[] {
    const key = `${group}/${name}`;
    let written = this.#accounts.get(key);
    if (written === undefined)
      this.#accounts.set(key, (written = [{ number: 0, balance: this.#openingBalance }]));
    return written;
  }
}
