/** Counts the rows that scenarios leave behind when nobody needs them any more. */
import type { Evidence } from "./evidence.ts";
import { StoredRows, type Rows } from "./storedReply.ts";
import type { World } from "./world.ts";

/** For scheduled functions that follow each other. */
const removalWithinMs = 10_000;

/** A deletion may be taken back for half a minute, and is carried out after that. */
const purgeWithinMs = 45_000;

interface Played {
  evidence: Evidence;
}

/** After a group: what its runs leave for ten minutes is removed now, and then its chats are deleted. */
export async function noteLeftovers(world: World, played: readonly Played[]): Promise<void> {
  const stored = new StoredRows(world.address);
  await stored.removeLeftovers();
  const ofRuns = ({ runs = [], tails = [], seals = [], replyStreams = [], chats = [] }: Rows): Rows => {
    const live = new Set(chats.filter(({ lifecycle }) => lifecycle === "live").map(({ _id }) => _id));
    const stillStored = replyStreams.filter(({ isStored }) => isStored === true);
    const tables = { runs, tails, seals, replyStreams: stillStored };
    const entries = Object.entries(tables).map(([table, rows]) => [
      table,
      rows.filter(({ chatId }) => live.has(String(chatId))),
    ]);
    return Object.fromEntries(entries) as Rows;
  };
  attribute(ofRuns(await stored.readUntil((rows) => isEmpty(ofRuns(rows)), removalWithinMs)), played);
  await stored.deleteChats();
}

/** After all groups of a world: nothing may be there, in any table. Says what belongs to nobody. */
export async function noteRowsLeft(world: World, played: readonly Played[]): Promise<string[]> {
  return attribute(await new StoredRows(world.address).readUntil(isEmpty, purgeWithinMs), played);
}

function isEmpty(rows: Rows): boolean {
  return Object.values(rows).every((table) => table.length === 0);
}

function attribute(rows: Rows, played: readonly Played[]): string[] {
  const nobodys: string[] = [];
  for (const [table, left] of Object.entries(rows)) {
    for (const row of left) {
      const names = [row._id, row["chatId"], row["messageId"]];
      const owner = played.find(
        ({ evidence: { ids } }) => ids !== null && ids.some((id) => names.includes(id)),
      );
      if (owner === undefined) nobodys.push(`${table}: ${JSON.stringify(row)}`);
      else owner.evidence.rowsLeft[table] = (owner.evidence.rowsLeft[table] ?? 0) + 1;
    }
  }
  return nobodys;
}
