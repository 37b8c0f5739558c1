/**
 * What passes between the main thread (sockets, HTTP) and the engine thread, over the worker's own port:
 * requests with an id and one response each, and frames of the sync sockets without one.
 */
import type { StoredFile } from "../files/fileRows.ts";
import type { ReceivedFile } from "../files/fileStore.ts";
import type { LogSettings } from "../log.ts";
import type { CommittedResult, FunctionCompletion, FunctionUsage, UserAttributes } from "./calls.ts";
import type { ComponentPath } from "./deployedCode.ts";
import type { DeploymentErrorCode } from "./deploymentError.ts";
import type {
  ConfigHashes,
  EvaluateSchemaResponse,
  FinishPushDiff,
  FinishPushRequest,
  SchemaStatus,
  StartPushRequest,
  StartPushResponse,
} from "./pushMessages.ts";
import type { FatalCall } from "../runner/runningCall.ts";
import type { SyncClientMessage } from "./syncMessages.ts";

/** Given to the engine thread as `workerData`. */
export interface EngineThreadData {
  dataDir: string;
  /** By which clients reach the deployment port, already bound: functions see it as CONVEX_CLOUD_URL. */
  url: string;
  /** By which clients reach the site port, CONVEX_SITE_URL; by default as this machine does. */
  siteUrl?: string | undefined;
  /** Interface and port for HTTP actions; port 0 picks a free one. */
  siteHost: string;
  sitePort: number;
  instanceName: string;
  /** For HTTP actions, whose requests do not pass through the main thread. */
  adminKey: string;
  log: LogSettings;
  /** Where the thread notes what it runs (runner/runningCall.ts). */
  runningCall: SharedArrayBuffer;
  /** The call of which the thread before this one died. */
  fatalCall: FatalCall | null;
  maxMemoryMb: number;
}

/** What the engine thread still has under way. */
export interface RunningWork {
  /** Actions and HTTP actions. */
  actions: number;
}

/** Who asks, as far as the main thread can tell: an admin key is checked there, a token is not. */
export type Credential =
  | { kind: "anonymous" }
  | { kind: "admin"; impersonating: UserAttributes | null }
  | { kind: "bearer"; token: string }
  | { kind: "refused"; reason: string };

export interface FunctionRequest {
  /** Which kind the endpoint promises; a function of another kind is refused. */
  kind: "query" | "mutation" | "action" | "any";
  credential: Credential;
  /** In whose turn it runs. */
  source: string;
  componentPath: ComponentPath;
  name: string;
  argsJson: string;
}

/** A query that is not deployed, with the text of its module. */
export interface InlineQueryRequest {
  credential: Credential;
  componentPath: ComponentPath;
  path: string;
  source: string;
  argsJson: string;
}

/** What the engine thread does for the main thread. Each call may reject with a DeploymentError. */
export interface EngineService {
  runFunction(request: FunctionRequest): Promise<CommittedResult>;
  /** Queries, all at one snapshot. */
  runQueryBatch(batch: { source: string; requests: FunctionRequest[] }): Promise<CommittedResult[]>;
  runInlineQuery(request: InlineQueryRequest): Promise<CommittedResult>;
  latestTs(): Promise<bigint>;
  getConfigHashes(): Promise<ConfigHashes>;
  startPush(request: StartPushRequest): Promise<StartPushResponse>;
  evaluateSchema(request: StartPushRequest): Promise<EvaluateSchemaResponse>;
  evaluatePush(request: StartPushRequest): Promise<Pick<StartPushResponse, "schemaChange">>;
  waitForSchema(pushId: string): Promise<SchemaStatus>;
  finishPush(request: FinishPushRequest): Promise<FinishPushDiff>;
  functionLogs(request: {
    cursor: number;
    waitMs: number;
  }): Promise<{ entries: FunctionCompletion[]; cursor: number }>;
  updateEnvironmentVariables(changes: Record<string, string | null>): Promise<void>;
  usage(): Promise<FunctionUsage[]>;
  /** Of the token in an upload URL; rejects when it is not ours, or too old. */
  componentOfUpload(token: string): Promise<ComponentPath>;
  /** Makes bytes that were received a stored file; answers the id of its document. */
  storeFile(file: ReceivedFile): Promise<string>;
  findFile(request: { componentPath: ComponentPath; uuid: string }): Promise<StoredFile | null>;
  /** Begins no job, cron or HTTP action any more, and lets those go who wait for logs. What runs goes on. */
  stopWork(): Promise<void>;
  runningWork(): Promise<RunningWork>;
  /** Answers at once, with the processor time that the thread has used: the watchdog's question. */
  ping(): Promise<number>;
  /** Ends the sync sessions, closes the engine. The thread can be terminated afterwards. */
  close(): Promise<void>;
}

export type EngineMethod = keyof EngineService;

export type ToEngine =
  | { kind: "request"; id: number; method: EngineMethod; argument: unknown }
  /** In order. */
  | { kind: "socketEvents"; events: SocketEvent[] };

export type SocketEvent =
  | { kind: "socketOpened"; socketId: number }
  | { kind: "socketMessage"; socketId: number; message: SyncClientMessage; frameLength: number }
  /** The client reads slower than it is told, or has caught up. */
  | { kind: "socketBehind"; socketId: number; isBehind: boolean }
  | { kind: "socketClosed"; socketId: number };

export type FromEngine =
  | { kind: "ready"; localSiteUrl: string }
  /** The thread could not start; it ends after this. */
  | { kind: "failed"; code: DeploymentErrorCode; message: string }
  | { kind: "response"; id: number; value: unknown }
  | { kind: "errorResponse"; id: number; code: DeploymentErrorCode; message: string }
  /** Socket id and frame, in order. */
  | { kind: "socketFrames"; frames: [number, string][] }
  | { kind: "socketClose"; socketId: number; code: number; reason: string }
  /** How much of what the socket passed on its session has taken since the last time. */
  | { kind: "socketTaken"; socketId: number; length: number };
