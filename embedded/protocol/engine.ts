/**
 * What the engine (store, transactions, functions, scheduler) offers to the other modules of its thread:
 * the sync sessions, the push, the system functions and the action pool.
 */
import type { DeploymentFiles } from "../files/deploymentFiles.ts";
import type { AuthProvider } from "./authProvider.ts";
import type {
  CommittedResult,
  FunctionCall,
  FunctionCompletion,
  FunctionResult,
  FunctionUsage,
} from "./calls.ts";
import type { ComponentPath, DeployedCode } from "./deployedCode.ts";

/** The index intervals a query read. */
export interface ReadSet {
  /** Whether one of the written keys lies in an interval that was read. */
  isTouchedBy(writes: WriteSet): boolean;
}

/** The index keys a commit wrote, old and new. Opaque outside `transaction/`. */
export interface WriteSet {
  readonly isEmpty: boolean;
}

export interface Commit {
  ts: bigint;
  writes: WriteSet;
}

export interface QueryCall extends FunctionCall {
  /** Pagination journal of the former run, so that a page ends where it ended before. */
  journal?: string | null;
}

export interface QueryRun extends CommittedResult {
  reads: ReadSet;
  /** Whether the result depends on who asked. */
  readIdentity: boolean;
  journal: string | null;
}

export interface MutationRequest {
  /** A client replays (sessionId, requestId) after a reconnect: the second answers with the first's result. */
  sessionId: string;
  requestId: number;
}

export interface SchemaProblem {
  componentPath: ComponentPath;
  tableName: string | null;
  message: string;
}

/** How far the database is in getting ready for pushed code, by component. */
export type SchemaProgress = Record<
  ComponentPath,
  { schemaValidationComplete: boolean; indexesComplete: number; indexesTotal: number }
>;

export type PreparationStatus =
  | { type: "inProgress"; components: SchemaProgress }
  | { type: "failed"; error: string; componentPath: ComponentPath; tableName: string | null }
  | { type: "complete" };

export interface Engine {
  /** Runs the queries one after another at one snapshot: no commit comes between them. */
  runQueries(calls: QueryCall[]): Promise<QueryRun[]>;
  /** As a query of other code than the deployed, which stays as it is. */
  runQueryOf(code: DeployedCode, call: FunctionCall): Promise<CommittedResult>;
  /** Durable when it resolves. Transactions run one at a time, in the order of the calls. */
  runMutation(call: FunctionCall, request?: MutationRequest): Promise<CommittedResult>;
  runAction(call: FunctionCall): Promise<FunctionResult>;
  /** Whatever the function is: query, mutation or action. */
  runAny(call: FunctionCall): Promise<FunctionResult>;

  latestTs(): bigint;
  /** Called after each commit is durable. Returns the unsubscribe function. */
  onCommit(listener: (commit: Commit) => void): () => void;

  /** The running version; null before the first push. */
  code(): DeployedCode | null;
  /**
   * Fills the indexes the code adds and checks the stored documents, in parts beside other work. Answers when that is
   * done or failed, or after `waitMs` how far it is; the work goes on. Nothing that functions can see changes.
   */
  prepareSchema(code: DeployedCode, waitMs: number): Promise<PreparationStatus>;
  /** Ends the preparation of code that will not be installed. */
  forgetSchema(code: DeployedCode): void;
  /**
   * Prepares the schema to the end, then swaps code, schema and crons in one transaction, persists, and tells the action
   * pool and `onCode`.
   * @param mayInstall - Called in the turn of the swap; what it throws ends the installation.
   */
  installCode(code: DeployedCode, mayInstall?: () => void): Promise<void>;
  onCode(listener: (code: DeployedCode) => void): () => void;

  /** What functions of the component see in `process.env`. */
  environmentOf(componentPath: ComponentPath): Readonly<Record<string, string>>;
  environmentVariables(): Readonly<Record<string, string>>;
  /**
   * null removes the variable. Persisted; queries that could have read one are re-run. The auth providers change in the
   * same transaction; null leaves them.
   */
  setEnvironmentVariables(
    changes: Readonly<Record<string, string | null>>,
    authProviders?: AuthProvider[] | null,
  ): Promise<void>;
  onEnvironment(listener: () => void): () => void;

  /** Table names of a component with their number of documents. */
  listTables(componentPath: ComponentPath): { name: string; documents: number }[];
  /** Documents of a table as Convex JSON, newest first when `order` is "desc", at most `limit`. */
  readTable(componentPath: ComponentPath, tableName: string, order: "asc" | "desc", limit: number): unknown[];

  /** Stored files, for the edge. */
  readonly files: DeploymentFiles;

  usage(): FunctionUsage[];
  /**
   * Counts into `bytesSent` what the edge sent of a query's result: once per subscriber and HTTP caller.
   * Results of `runMutation`, `runAction` and `runAny` the engine counts itself.
   */
  recordBytesSent(componentPath: ComponentPath, name: string, bytes: number): void;
  /** Completions after `cursor` (0 = none seen); waits up to `waitMs` when there are none. */
  completionsAfter(
    cursor: number,
    waitMs: number,
  ): Promise<{ entries: FunctionCompletion[]; cursor: number }>;

  /** Answers whoever waits for completions, now and from now on. */
  releaseLogReaders(): void;

  /** Lets running transactions end, then closes the database. Safe to call twice. */
  close(): Promise<void>;
}
