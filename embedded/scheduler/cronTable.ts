/** When each cron of the deployed code runs next, as it is stored. */
import type { CronDefinition, DeployedCode } from "../protocol/deployedCode.ts";
import type { Transaction } from "../transaction/transaction.ts";

export interface Cron {
  component: string;
  name: string;
  definition: CronDefinition;
  nextMs: number;
}

/** Brings the table in line with the code. A new or changed cron runs at once, as on Convex; the others keep their time. */
export function installCrons(transaction: Transaction, code: DeployedCode, nowMs: number): void {
  const { database } = transaction;
  transaction.touch();
  const known = new Map(
    readCrons(transaction).map((cron) => [cronKey(cron), JSON.stringify(cron.definition)]),
  );
  for (const component of Object.values(code.components)) {
    for (const [name, definition] of Object.entries(component.crons)) {
      intervalMs(definition);
      const key = cronKey({ component: component.path, name });
      const json = JSON.stringify(definition);
      if (known.get(key) !== json) {
        database.run(
          "INSERT OR REPLACE INTO crons (component, name, definition, next_ms) VALUES (?, ?, ?, ?)",
          component.path,
          name,
          json,
          nowMs,
        );
      }
      known.delete(key);
    }
  }
  for (const cron of readCrons(transaction)) {
    if (known.has(cronKey(cron)))
      database.run("DELETE FROM crons WHERE component = ? AND name = ?", cron.component, cron.name);
  }
}

export function readCrons({ database }: Transaction): Cron[] {
  return database.all("SELECT * FROM crons ORDER BY next_ms").map((row) => ({
    component: String(row["component"]),
    name: String(row["name"]),
    definition: JSON.parse(String(row["definition"])) as CronDefinition,
    nextMs: Number(row["next_ms"]),
  }));
}

/** Moves the cron to its next time after now; times that were missed are skipped. */
export function advanceCron(transaction: Transaction, cron: Cron, nowMs: number): void {
  transaction.touch();
  const every = intervalMs(cron.definition);
  const missed = Math.max(0, Math.floor((nowMs - cron.nextMs) / every));
  const nextMs = cron.nextMs + (missed + 1) * every;
  const sql = "UPDATE crons SET next_ms = ? WHERE component = ? AND name = ?";
  transaction.database.run(sql, nextMs, cron.component, cron.name);
}

export function cronKey({ component, name }: Pick<Cron, "component" | "name">): string {
  return `${component}:${name}`;
}

function intervalMs({ schedule }: CronDefinition): number {
  const seconds = schedule.type === "interval" ? schedule.seconds : null;
  if (typeof seconds === "number" && seconds > 0) return seconds * 1000;
  throw new Error(
    `Crons of the kind "${schedule.type}" are not part of the embedded deployment yet. Use crons.interval, or deploy to Convex.`,
  );
}
