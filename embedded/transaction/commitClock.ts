/**
 * Commit timestamps and creation times. Both grow strictly, also across restarts and when the machine's clock goes
 * back: clients of the sync protocol refuse a timestamp that does. Timestamps are reserved by the transactions of a
 * batch and become visible together, once the batch is durable.
 */
import type { Database } from "../store/database.ts";

const NANOSECONDS_PER_MS = 1_000_000n;
/** Exact in a double at today's magnitude of milliseconds since 1970. */
const CREATION_TIME_STEP_MS = 1 / 1024;

export class CommitClock {
  readonly #database: Database;
  readonly #nowMs: () => number;
  /** Of what is durable. */
  #lastTs: bigint;
  #reservedTs: bigint;
  #lastCreationTime: number;

  constructor(database: Database, nowMs: () => number) {
    this.#database = database;
    this.#nowMs = nowMs;
    const row = database.getBig("SELECT last_ts, last_creation_time FROM clock");
    const persisted = row?.["last_ts"] as bigint;
    this.#lastCreationTime = Number(row?.["last_creation_time"]);
    // A new database has a snapshot too: that of its creation. Clients are told of it, so it is kept like any other.
    this.#lastTs = this.#reservedTs = persisted > 0n ? persisted : this.#nowNanoseconds();
    if (persisted === 0n) this.persist();
  }

  /** Of the latest durable commit. */
  latestTs(): bigint {
    return this.#lastTs;
  }

  /** Of the latest commit that the open batch holds. */
  reservedTs(): bigint {
    return this.#reservedTs;
  }

  /** Never handed out twice, not even when the transaction that got it is rolled back. */
  nextCreationTime(): number {
    this.#lastCreationTime = Math.max(this.#nowMs(), this.#lastCreationTime + CREATION_TIME_STEP_MS);
    return this.#lastCreationTime;
  }

  /** The timestamp of a transaction that joins the open batch. */
  reserve(): bigint {
    const now = this.#nowNanoseconds();
    this.#reservedTs = now > this.#reservedTs ? now : this.#reservedTs + 1n;
    return this.#reservedTs;
  }

  /** Writes what was reserved into the open transaction. */
  persist(): void {
    this.#database.run(
      "UPDATE clock SET last_ts = ?, last_creation_time = ?",
      this.#reservedTs,
      this.#lastCreationTime,
    );
  }

  committed(): void {
    this.#lastTs = this.#reservedTs;
  }

  /** Nobody outside has seen what was reserved: it may be handed out again. */
  rolledBack(): void {
    this.#reservedTs = this.#lastTs;
  }

  #nowNanoseconds(): bigint {
    return BigInt(Math.floor(this.#nowMs())) * NANOSECONDS_PER_MS;
  }
}
