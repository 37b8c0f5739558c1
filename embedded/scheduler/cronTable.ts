/**
 * The crons of the deployed code as they are stored: when each is due, and whether its action has begun. A cron stays
 * at its time until its run has ended; only then it moves to the next one.
 */
import type { CronDefinition, DeployedCode } from "../protocol/deployedCode.ts";
import type { Row } from "../store/database.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { followingRun, nextRunMs } from "./cronSchedule.ts";

export interface Cron {
  component: string;
  name: string;
  definition: CronDefinition;
  nextMs: number;
  /** Its action began, perhaps in a process that has ended since. */
  hasBegun: boolean;
}

/** Brings the table in line with the code. A new cron, or one with another schedule, gets a new time; the others keep theirs. */
export function installCrons(transaction: Transaction, code: DeployedCode, nowMs: number): void {
  transaction.touch();
  const known = new Map(readCrons(transaction).map((cron) => [cronKey(cron), cron]));
  for (const component of Object.values(code.components)) {
    for (const [name, definition] of Object.entries(component.crons)) {
      const key = cronKey({ component: component.path, name });
      const old = known.get(key);
      known.delete(key);
      const isSameSchedule = old && encode(old.definition.schedule) === encode(definition.schedule);
      writeCron(transaction, {
        component: component.path,
        name,
        definition,
        nextMs: isSameSchedule ? old.nextMs : nextRunMs(definition.schedule, key, null, nowMs),
        hasBegun: old?.hasBegun ?? false,
      });
    }
  }
  for (const { component, name } of known.values())
    transaction.database.run("DELETE FROM crons WHERE component = ? AND name = ?", component, name);
}

export function dueCrons({ database }: Transaction, nowMs: number): Cron[] {
  return database.all("SELECT * FROM crons WHERE next_ms <= ? ORDER BY next_ms", nowMs).map(cronOfRow);
}

export function readCrons({ database }: Transaction): Cron[] {
  return database.all("SELECT * FROM crons ORDER BY next_ms").map(cronOfRow);
}

/** Before its action runs: it is then run at most once, whatever happens. */
export function beginCron(transaction: Transaction, cron: Cron): void {
  transaction.touch();
  writeCron(transaction, { ...cron, hasBegun: true });
}

/**
 * Moves the cron whose run has ended to its next time, unless a push has given it another one or removed it meanwhile.
 * @returns how many times of its schedule are left out because they are past.
 */
export function endCron(transaction: Transaction, ran: Cron, nowMs: number): number {
  const { database } = transaction;
  const row = database.get("SELECT * FROM crons WHERE component = ? AND name = ?", ran.component, ran.name);
  if (!row) return 0;
  transaction.touch();
  const cron = cronOfRow(row);
  if (cron.nextMs !== ran.nextMs) {
    writeCron(transaction, { ...cron, hasBegun: false });
    return 0;
  }
  const { nextMs, skipped } = followingRun(cron.definition.schedule, cronKey(cron), cron.nextMs, nowMs);
  writeCron(transaction, { ...cron, nextMs, hasBegun: false });
  return skipped;
}

export function cronKey({ component, name }: Pick<Cron, "component" | "name">): string {
  return `${component}:${name}`;
}

function writeCron({ database }: Transaction, cron: Cron): void {
  database.run(
    "INSERT OR REPLACE INTO crons (component, name, definition, next_ms, has_begun) VALUES (?, ?, ?, ?, ?)",
    cron.component,
    cron.name,
    encode(cron.definition),
    cron.nextMs,
    cron.hasBegun ? 1 : 0,
  );
}

function cronOfRow(row: Row): Cron {
  return {
    component: String(row["component"]),
    name: String(row["name"]),
    definition: JSON.parse(String(row["definition"])) as CronDefinition,
    nextMs: Number(row["next_ms"]),
    hasBegun: row["has_begun"] === 1,
  };
}

function encode(value: unknown): string {
  return JSON.stringify(value);
}
