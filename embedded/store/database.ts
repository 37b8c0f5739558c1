/**
 * The one SQLite connection: opening, migrations, prepared statements, closing.
 * WAL with synchronous=FULL: a committed transaction survives a power cut.
 */
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

import { DeploymentError } from "../protocol/deploymentError.ts";
import { integrityProblem } from "./integrity.ts";
import { MIGRATIONS } from "./migrations.ts";

/** https://sqlite.org/rescode.html#corrupt */
const SQLITE_CORRUPT = 11;

/** Of 4 kB in the log, which are then copied into the database: a page that many commits write is copied once. */
const checkpointPages = 4000;

/** Another program has the file, a backup that begins or a shell that writes: as long as that is waited for, the thread stands still. */
const busyTimeoutMs = 2_000;

/** Primary result codes that concern one statement only; after any other the transaction cannot be trusted. */
const STATEMENT_ERRORS = new Set([
  1 /* ERROR */, 18 /* TOOBIG */, 19 /* CONSTRAINT */, 20 /* MISMATCH */, 25 /* RANGE */,
]);

/** Whether the database itself failed: a full disk, a failing device, no memory. */
export function isDatabaseFault(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && !STATEMENT_ERRORS.has(Number(errcode) & 0xff);
}

export type Row = Record<string, SQLOutputValue>;

export class Database {
  readonly #path: string;
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #savepoints = 0;
  #reader: Database | null = null;

  /** @param path - File of the database. Its directory must exist. */
  constructor(path: string, { readOnly = false }: { readOnly?: boolean } = {}) {
    this.#path = path;
    const wasKilled = statSync(`${path}-wal`, { throwIfNoEntry: false }) !== undefined;
    this.#connection = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
    if (readOnly) return;
    try {
      this.#connection.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA cache_size = -65536;
        PRAGMA wal_autocheckpoint = ${checkpointPages};
      `);
      if (wasKilled) this.#check();
      this.#migrate();
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  get(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...parameters);
  }

  all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...parameters);
  }

  /** @returns the rowid of the inserted row, meaningless for other statements. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...parameters).lastInsertRowid);
  }

  /** Like `get`, with integers as bigint: for timestamps, which do not fit a number. */
  getBig(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    const statement = this.#statement(sql, "big:");
    statement.setReadBigInts(true);
    return statement.get(...parameters);
  }

  begin(): void {
    this.run("BEGIN IMMEDIATE");
  }

  commit(): void {
    this.run("COMMIT");
  }

  /** False as soon as SQLite itself has undone the transaction, as it may when the disk is full. */
  get isInTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  rollback(): void {
    if (this.#connection.isTransaction) this.run("ROLLBACK");
    this.#savepoints = 0;
  }

  /** What is committed now, beside whatever transaction is open here. Only read; ends with its `rollback()`. */
  snapshot(): Database {
    this.#reader ??= new Database(this.#path, { readOnly: true });
    // A timeout of user code may have left the last one open.
    this.#reader.rollback();
    this.#reader.run("BEGIN");
    return this.#reader;
  }

  /**
   * Runs `work` in a savepoint of the open transaction, which is rolled back when `work` throws or `keep` says no.
   * Savepoints nest.
   */
  savepoint<Result>(work: () => Result, keep: (result: Result) => boolean): Result {
    const depth = ++this.#savepoints;
    const name = `nested_${depth}`;
    this.run(`SAVEPOINT ${name}`);
    let kept = false;
    try {
      const result = work();
      kept = keep(result);
      return result;
    } finally {
      // Without a transaction there is no savepoint either: what ended it is on its way up.
      if (!kept && this.isInTransaction) this.run(`ROLLBACK TO ${name}`);
      if (this.isInTransaction) this.run(`RELEASE ${name}`);
      // Set, not counted down: a timeout of user code ends deeper savepoints without running their `finally`.
      this.#savepoints = depth - 1;
    }
  }

  /** Safe to call twice. */
  close(): void {
    if (!this.#connection.isOpen) return;
    this.#reader?.close();
    this.rollback();
    this.#statements.clear();
    this.#connection.close();
  }

  #statement(sql: string, variant = ""): StatementSync {
    const known = this.#statements.get(variant + sql);
    if (known) return known;
    const statement = this.#connection.prepare(sql);
    this.#statements.set(variant + sql, statement);
    return statement;
  }

  /** After a process that was killed, or a machine that lost power. */
  #check(): void {
    const problem = integrityProblem(this.#connection, "quick_check");
    if (problem !== null) throw Object.assign(new Error(problem), { errcode: SQLITE_CORRUPT });
  }

  #migrate(): void {
    const version = Number(this.get("PRAGMA user_version")?.["user_version"]);
    if (version > MIGRATIONS.length) {
      throw new DeploymentError(
        "FolderUnusable",
        `The database was written by a newer version of this program (format ${version}, known up to ` +
          `${MIGRATIONS.length}). Update the program or use another data folder.`,
      );
    }
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index < version) continue;
      this.begin();
      this.#connection.exec(sql);
      this.#connection.exec(`PRAGMA user_version = ${index + 1}`);
      this.commit();
    }
  }
}
