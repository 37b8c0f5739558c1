/**
 * Scheduled jobs as they are stored: a document in `_scheduled_functions` of the component that scheduled, which
 * functions read, and a row of `scheduled_jobs`, by which the scheduler finds what is due. Every change is made in the
 * caller's transaction, so a rolled back mutation schedules nothing.
 *
 *   pending -> inProgress -> success | failed
 *      `----------`--------> canceled
 */
import type { Row } from "../store/database.ts";
import type { ScheduleRequest } from "../runner/functionRun.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { decodeValue } from "../values/convexJson.ts";
import type { ObjectValue } from "../values/convexJson.ts";
import { tableNumberOfId } from "../values/documentId.ts";

const SCHEDULED_FUNCTIONS = "_scheduled_functions";

export interface ScheduledJob {
  id: string;
  /** Component that scheduled it and owns its document. */
  component: string;
  targetComponent: string;
  name: string;
  argsJson: string;
}

export type JobOutcome = { kind: "success" } | { kind: "failed"; error: string } | { kind: "canceled" };

export function scheduleJob(
  transaction: Transaction,
  component: string,
  job: ScheduleRequest,
  nowMs: number,
): string {
  const id = transaction.insert(component, SCHEDULED_FUNCTIONS, {
    name: job.name,
    args: [decodeValue(JSON.parse(job.argsJson))],
    scheduledTime: job.atMs,
    state: { kind: "pending" },
  });
  transaction.database.run(
    "INSERT INTO scheduled_jobs (id, component, target_component, name, args, state, at_ms) VALUES (?, ?, ?, ?, ?, 'pending', ?)",
    id,
    component,
    job.componentPath,
    job.name,
    job.argsJson,
    // A time in the past is now: it gives no place before what is due already.
    Math.max(job.atMs, nowMs),
  );
  if (job.parentJobId !== null && isCanceled(transaction, job.parentJobId))
    writeOutcome(transaction, component, id, { kind: "canceled" }, nowMs);
  return id;
}

/** An action goes on when it is canceled; what it schedules from then on is canceled too. */
function isCanceled({ database }: Transaction, runningJobId: string): boolean {
  const row = database.get("SELECT state FROM scheduled_jobs WHERE id = ?", runningJobId);
  return row?.["state"] === "finished";
}

/** Without effect on a job that has finished. An action that already runs goes on, its outcome is no longer recorded. */
export function cancelJob(transaction: Transaction, component: string, id: string, nowMs: number): void {
  const row = transaction.database.get("SELECT component, state FROM scheduled_jobs WHERE id = ?", id);
  if (row ? row["component"] !== component : !isJobId(transaction, component, id)) {
    throw new Error(
      "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.",
    );
  }
  if (row && row["state"] !== "finished")
    writeOutcome(transaction, component, id, { kind: "canceled" }, nowMs);
}

/** Marks a pending job as running. */
export function beginJob(transaction: Transaction, { id, component }: ScheduledJob): void {
  transaction.database.run("UPDATE scheduled_jobs SET state = 'inProgress' WHERE id = ?", id);
  updateDocument(transaction, component, id, (document) => ({ ...document, state: { kind: "inProgress" } }));
}

/** Records how a job ended, unless it was canceled or removed meanwhile. */
export function finishJob(
  transaction: Transaction,
  { id, component }: ScheduledJob,
  outcome: JobOutcome,
  nowMs: number,
): void {
  const state = transaction.database.get("SELECT state FROM scheduled_jobs WHERE id = ?", id)?.["state"];
  if (state !== undefined && state !== "finished") writeOutcome(transaction, component, id, outcome, nowMs);
}

/** Due jobs, longest due first. */
export function dueJobs(transaction: Transaction, nowMs: number, limit: number): ScheduledJob[] {
  const sql =
    "SELECT * FROM scheduled_jobs WHERE state = 'pending' AND at_ms <= ? ORDER BY at_ms, sequence LIMIT ?";
  return transaction.database.all(sql, nowMs, limit).map(jobOfRow);
}

/** When the next job becomes due that is not due yet. */
export function nextDueMs(transaction: Transaction, nowMs: number): number | null {
  const row = transaction.database.get(
    "SELECT MIN(at_ms) AS due FROM scheduled_jobs WHERE state = 'pending' AND at_ms > ?",
    nowMs,
  );
  return typeof row?.["due"] === "number" ? row["due"] : null;
}

/** At the start: actions that ran when the process died. They may have had effects and are not run again. */
export function interruptedJobs(transaction: Transaction): ScheduledJob[] {
  return transaction.database.all("SELECT * FROM scheduled_jobs WHERE state = 'inProgress'").map(jobOfRow);
}

/** @returns how many were removed. */
export function removeFinishedJobs(
  transaction: Transaction,
  finishedBeforeMs: number,
  limit: number,
): number {
  const sql = "SELECT * FROM scheduled_jobs WHERE state = 'finished' AND at_ms < ? ORDER BY at_ms LIMIT ?";
  const rows = transaction.database.all(sql, finishedBeforeMs, limit);
  for (const { id, component } of rows.map(jobOfRow)) {
    const table = transaction.catalog.table(component, SCHEDULED_FUNCTIONS);
    if (table) transaction.remove(table, id);
    transaction.database.run("DELETE FROM scheduled_jobs WHERE id = ?", id);
  }
  return rows.length;
}

function writeOutcome(
  transaction: Transaction,
  component: string,
  id: string,
  outcome: JobOutcome,
  nowMs: number,
): void {
  transaction.database.run("UPDATE scheduled_jobs SET state = 'finished', at_ms = ? WHERE id = ?", nowMs, id);
  updateDocument(transaction, component, id, (document) => ({
    ...document,
    state: { ...outcome },
    completedTime: nowMs,
  }));
}

function updateDocument(
  transaction: Transaction,
  component: string,
  id: string,
  change: (document: ObjectValue) => ObjectValue,
): void {
  const table = transaction.catalog.table(component, SCHEDULED_FUNCTIONS);
  if (!table) throw new Error(`The scheduled function ${id} has no document`);
  transaction.update(table, id, "Update", change);
}

function isJobId(transaction: Transaction, component: string, id: string): boolean {
  const number = tableNumberOfId(id);
  return number !== null && transaction.tableNames(component)(number) === SCHEDULED_FUNCTIONS;
}

function jobOfRow(row: Row): ScheduledJob {
  return {
    id: String(row["id"]),
    component: String(row["component"]),
    targetComponent: String(row["target_component"]),
    name: String(row["name"]),
    argsJson: String(row["args"]),
  };
}
