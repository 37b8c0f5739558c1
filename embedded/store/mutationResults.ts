/** Results of committed mutations by (session, request), so that a replayed request is answered and not run again. */
import type { CommittedResult, FunctionResult } from "../protocol/calls.ts";
import type { MutationRequest } from "../protocol/engine.ts";
import type { Database } from "./database.ts";

export class MutationResults {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find({ sessionId, requestId }: MutationRequest): CommittedResult | null {
    const row = this.#database.getBig(
      "SELECT ts, result FROM mutation_results WHERE session_id = ? AND request_id = ?",
      sessionId,
      requestId,
    );
    if (!row) return null;
    return { ts: row["ts"] as bigint, result: JSON.parse(String(row["result"])) as FunctionResult };
  }

  /** Saves in the open transaction: the result is there exactly if the mutation is. */
  save({ sessionId, requestId }: MutationRequest, result: FunctionResult, ts: bigint, nowMs: number): void {
    this.#database.run(
      "INSERT INTO mutation_results (session_id, request_id, ts, finished_ms, result) VALUES (?, ?, ?, ?, ?)",
      sessionId,
      requestId,
      ts,
      nowMs,
      JSON.stringify(result),
    );
  }

  /** At most `limit`, the oldest first. @returns how many are gone. */
  removeOlderThan(ms: number, limit: number): number {
    const { length } = this.#database.all(
      `DELETE FROM mutation_results WHERE (session_id, request_id) IN
         (SELECT session_id, request_id FROM mutation_results WHERE finished_ms < ? ORDER BY finished_ms LIMIT ?)
       RETURNING request_id`,
      ms,
      limit,
    );
    return length;
  }
}
