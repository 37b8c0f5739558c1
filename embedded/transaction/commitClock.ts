/**
 * Commit timestamps and creation times. Both grow strictly, also across restarts and when the machine's clock goes
 * back: clients of the sync protocol refuse a timestamp that does.
 */
import type { Database } from "../store/database.ts";

const NANOSECONDS_PER_MS = 1_000_000n;
/** Exact in a double at today's magnitude of milliseconds since 1970. */
const CREATION_TIME_STEP_MS = 1 / 1024;

export class CommitClock {
  readonly #database: Database;
  readonly #nowMs: () => number;
  #lastTs: bigint;
  #lastCreationTime: number;

  constructor(database: Database, nowMs: () => number) {
    this.#database = database;
    this.#nowMs = nowMs;
    const row = database.getBig("SELECT last_ts, last_creation_time FROM clock");
    const persisted = row?.["last_ts"] as bigint;
    this.#lastCreationTime = Number(row?.["last_creation_time"]);
    // A new database has a snapshot too: that of its creation.
    this.#lastTs = persisted > 0n ? persisted : this.#nowNanoseconds();
  }

  latestTs(): bigint {
    return this.#lastTs;
  }

  /** Never handed out twice, not even when the transaction that got it is rolled back. */
  nextCreationTime(): number {
    this.#lastCreationTime = Math.max(this.#nowMs(), this.#lastCreationTime + CREATION_TIME_STEP_MS);
    return this.#lastCreationTime;
  }

  /** Writes the next commit's timestamp into the open transaction; `latestTs` follows with `committed`. */
  stampCommit(): bigint {
    const now = this.#nowNanoseconds();
    const ts = now > this.#lastTs ? now : this.#lastTs + 1n;
    this.#database.run("UPDATE clock SET last_ts = ?, last_creation_time = ?", ts, this.#lastCreationTime);
    return ts;
  }

  committed(ts: bigint): void {
    this.#lastTs = ts;
  }

  #nowNanoseconds(): bigint {
    return BigInt(Math.floor(this.#nowMs())) * NANOSECONDS_PER_MS;
  }
}
