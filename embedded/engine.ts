/**
 * The engine as the other modules of its thread see it (protocol/engine.ts). What it only passes on is in
 * engineParts.ts; what is here is the order of things at a change of code or environment, and at the end.
 */
import type { AuthProvider } from "./protocol/authProvider.ts";
import type { ActionContext, ActionSyscallResult, EngineForActions } from "./protocol/actions.ts";
import type {
  CommittedResult,
  FunctionCall,
  FunctionCompletion,
  FunctionResult,
  FunctionUsage,
} from "./protocol/calls.ts";
import { canonicalFunctionName } from "./protocol/deployedCode.ts";
import type { ComponentPath, DeployedCode } from "./protocol/deployedCode.ts";
import { DeploymentError } from "./protocol/deploymentError.ts";
import type {
  Commit,
  Engine,
  MutationRequest,
  PreparationStatus,
  QueryCall,
  QueryRun,
} from "./protocol/engine.ts";
import { DeploymentFiles } from "./files/deploymentFiles.ts";
import { openEngineParts } from "./engineParts.ts";
import type { EngineOptions, EngineParts } from "./engineParts.ts";
import { answerActionSyscall } from "./runner/actionSyscalls.ts";
import { installCrons } from "./scheduler/cronTable.ts";
import { BY_CREATION_TIME } from "./store/catalog.ts";
import { installSchema } from "./store/schemaInstall.ts";

export type OpenEngine = Engine &
  EngineForActions & {
    /** Begins to run scheduled functions and crons. Called once, when actions can run. */
    startScheduler(): void;
    /** Before the action pool is closed: nothing is begun that could not run. Outcomes are still written. */
    stopScheduler(): void;
  };

/** Opens the database of the folder, or makes it. */
export function openEngine(options: EngineOptions): OpenEngine {
  return new EmbeddedEngine(options);
}

class EmbeddedEngine implements OpenEngine {
  readonly files: DeploymentFiles;
  readonly #nowMs: () => number;
  readonly #parts: EngineParts;
  readonly #codeListeners = new Set<(code: DeployedCode) => void>();
  readonly #environmentListeners = new Set<() => void>();

  constructor(options: EngineOptions) {
    this.#nowMs = options.timers.nowMs;
    this.#parts = openEngineParts(options);
    this.files = new DeploymentFiles(this.#parts.services.storage, this.#parts.transactions);
  }

  startScheduler(): void {
    this.#parts.scheduler.start();
  }

  stopScheduler(): void {
    this.#parts.scheduler.stop();
  }

  async runQueries(calls: QueryCall[]): Promise<QueryRun[]> {
    return calls.map((call) => this.#parts.calls.query(call));
  }

  async runQueryOf(code: DeployedCode, call: FunctionCall): Promise<CommittedResult> {
    const { result, ts } = this.#parts.calls.query(call, code);
    this.#countSent(call, result);
    return { result, ts };
  }

  async runMutation(call: FunctionCall, request?: MutationRequest): Promise<CommittedResult> {
    const committed = await this.#parts.calls.mutation(call, request);
    this.#countSent(call, committed.result);
    return committed;
  }

  async runAction(call: FunctionCall): Promise<FunctionResult> {
    const result = await this.#parts.calls.action(call);
    this.#countSent(call, result);
    return result;
  }

  async runAny(call: FunctionCall): Promise<FunctionResult> {
    const kind = this.#parts.calls.kindOf(call);
    if (kind === "action") return this.runAction(call);
    if (kind === "mutation") return (await this.runMutation(call)).result;
    const { result } = this.#parts.calls.query(call);
    this.#countSent(call, result);
    return result;
  }

  latestTs(): bigint {
    return this.#parts.clock.latestTs();
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    return this.#parts.transactions.onCommit(listener);
  }

  code(): DeployedCode | null {
    return this.#parts.codeStore.current();
  }

  prepareSchema(code: DeployedCode, waitMs: number): Promise<PreparationStatus> {
    return this.#parts.preparations.status(code, waitMs);
  }

  forgetSchema(code: DeployedCode): void {
    this.#parts.preparations.forget(code);
  }

  async installCode(code: DeployedCode, mayInstall?: () => void): Promise<void> {
    const { transactions, codeStore, scheduler, preparations, indexUpkeep } = this.#parts;
    const preparation = await preparations.ready(code);
    mayInstall?.();
    transactions.write(
      (transaction) => {
        const problem = preparation.findProblem(transaction);
        if (problem) throw new DeploymentError("InvalidModules", problem.message);
        installSchema(transaction, code);
        installCrons(transaction, code, this.#nowMs());
        codeStore.save(code);
        transaction.writes.touchesEverything = true;
      },
      {
        afterCommit: () => {
          codeStore.use(code);
          preparations.forgetAll();
          this.#tell(this.#codeListeners, code);
        },
      },
    );
    scheduler.wake();
    indexUpkeep.wake();
  }

  onCode(listener: (code: DeployedCode) => void): () => void {
    this.#codeListeners.add(listener);
    return () => this.#codeListeners.delete(listener);
  }

  environmentVariables(): Readonly<Record<string, string>> {
    return this.#parts.environment.all();
  }

  environmentOf(componentPath: ComponentPath): Readonly<Record<string, string>> {
    return this.#parts.services.environmentOf(componentPath);
  }

  async setEnvironmentVariables(
    changes: Readonly<Record<string, string | null>>,
    authProviders: AuthProvider[] | null = null,
  ): Promise<void> {
    const { transactions, environment, codeStore } = this.#parts;
    const running = codeStore.current();
    const code = running && authProviders && { ...running, authProviders };
    transactions.write(
      (transaction) => {
        environment.save(changes);
        if (code) codeStore.save(code);
        transaction.writes.touchesEverything = true;
      },
      {
        afterCommit: () => {
          environment.reload();
          if (code) codeStore.use(code);
          this.#tell(this.#environmentListeners, undefined);
        },
      },
    );
  }

  onEnvironment(listener: () => void): () => void {
    this.#environmentListeners.add(listener);
    return () => this.#environmentListeners.delete(listener);
  }

  listTables(componentPath: ComponentPath): { name: string; documents: number }[] {
    this.#parts.transactions.flush();
    return this.#parts.catalog
      .tablesOf(componentPath)
      .filter(({ name }) => !name.startsWith("_"))
      .map(({ name, number }) => ({ name, documents: this.#countDocuments(number) }));
  }

  readTable(
    componentPath: ComponentPath,
    tableName: string,
    order: "asc" | "desc",
    limit: number,
  ): unknown[] {
    const { catalog, database, transactions } = this.#parts;
    transactions.flush();
    const index = catalog.table(componentPath, tableName)?.indexes.get(BY_CREATION_TIME);
    if (!index) return [];
    const rows = database.all(
      `SELECT json FROM index_entries JOIN documents ON documents.rowid = document
       WHERE index_id = ? ORDER BY key ${order === "asc" ? "ASC" : "DESC"} LIMIT ?`,
      index.id,
      limit,
    );
    return rows.map((row) => JSON.parse(String(row["json"])) as unknown);
  }

  usage(): FunctionUsage[] {
    return this.#parts.ledger.all();
  }

  recordBytesSent(componentPath: ComponentPath, name: string, bytes: number): void {
    this.#parts.ledger.countBytesSent(componentPath, canonicalFunctionName(name), bytes);
  }

  completionsAfter(
    cursor: number,
    waitMs: number,
  ): Promise<{ entries: FunctionCompletion[]; cursor: number }> {
    return this.#parts.completions.after(cursor, waitMs);
  }

  actionSyscall(context: ActionContext, op: string, argsJson: string): Promise<ActionSyscallResult> {
    return answerActionSyscall({ ...this.#parts, nowMs: this.#nowMs }, context, op, argsJson);
  }

  recordCompletion(completion: FunctionCompletion, bytesSent: number): void {
    const { ledger, completions } = this.#parts;
    const { componentPath, name } = completion;
    ledger.countRun(componentPath, name, null, completion.error !== null);
    ledger.countBytesSent(componentPath, name, bytesSent);
    completions.add(completion);
  }

  releaseLogReaders(): void {
    this.#parts.completions.close();
  }

  async close(): Promise<void> {
    const { scheduler, completions, database, transactions, preparations, indexUpkeep } = this.#parts;
    scheduler.close();
    preparations.forgetAll();
    indexUpkeep.close();
    await indexUpkeep.settled();
    transactions.flush();
    completions.close();
    database.close();
  }

  /** A listener's fault must not make a committed change look failed. */
  #tell<Value>(listeners: ReadonlySet<(value: Value) => void>, value: Value): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#parts.logError(error);
      }
    }
  }

  #countSent({ componentPath, name }: FunctionCall, result: FunctionResult): void {
    if (result.status === "success") {
      this.recordBytesSent(componentPath, name, Buffer.byteLength(result.valueJson));
    }
  }

  #countDocuments(tableNumber: number): number {
    const sql = "SELECT COUNT(*) AS count FROM documents WHERE table_number = ?";
    return Number(this.#parts.database.get(sql, tableNumber)?.["count"]);
  }
}
