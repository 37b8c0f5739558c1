/**
 * The engine thread's end of the main thread: answers its requests, relays frames to the sync sessions.
 * The other end is engineClient.ts.
 */
import type { MessagePort } from "node:worker_threads";
import type { Identify } from "./auth/authenticator.ts";
import { every } from "./every.ts";
import type { CommittedResult, FunctionCall } from "./protocol/calls.ts";
import { asDeploymentError, DeploymentError } from "./protocol/deploymentError.ts";
import type { Engine, QueryCall, QueryRun, ReadSet } from "./protocol/engine.ts";
import type {
  EngineService,
  FromEngine,
  FunctionRequest,
  SocketEvent,
  ToEngine,
} from "./protocol/mainMessages.ts";
import { EnvironmentChanges } from "./push/environmentChanges.ts";
import { runInlineQuery } from "./push/inlineQuery.ts";
import { PushService } from "./push/pushService.ts";
import { SyncServer, type SyncServerParts } from "./sync/syncServer.ts";
import type { Turns } from "./turns/turns.ts";
import { createSystemQueries, isSystemFunction } from "./system/systemQueries.ts";

export interface EngineServiceParts {
  port: MessagePort;
  engine: Engine;
  /** In which all callers of functions take turns. */
  turns: Turns;
  /** Processor time this thread has used. */
  threadCpuMs: () => number;
  identify: Identify;
  /** URL of the deployment port, and of HTTP actions, for clients. */
  url: string;
  siteUrl: string;
  /** How this machine reaches the site port. */
  localSiteUrl: string;
  /** What else ends with the thread: the action pool. */
  closeOthers: () => Promise<void>;
  /** Nothing new is begun by others: jobs, HTTP actions. Resolves when `runningActions` counts all that was begun. */
  stopOthers: () => Promise<void>;
  runningActions: () => number;
  log: (line: string) => void;
}

/** Starts to answer, and says that the thread is ready. */
export function serveMainThread(parts: EngineServiceParts): void {
  const { port, engine, turns, identify, url, siteUrl, closeOthers, log } = parts;
  const post = (message: FromEngine): void => port.postMessage(message);
  const runQueries = queryRunner(engine, url);
  const builtIn = { CONVEX_CLOUD_URL: url, CONVEX_SITE_URL: siteUrl };
  const pushes = new PushService(engine, builtIn);
  const environment = new EnvironmentChanges(engine, builtIn);
  const sync = new SyncServer({
    engine,
    runQueries,
    identify,
    ...frameOutbox(post),
    taken: (socketId, length) => post({ kind: "socketTaken", socketId, length }),
    log,
    every,
    nowMs: Date.now,
    startSlice: () => startPiece(sliceMs),
    turns,
    monotonicMs: () => performance.now(),
  });
  const service: EngineService = {
    runFunction: async (request) => {
      const call = await callOf(request, identify);
      return await turns.run(request.source, () => runFunction(engine, runQueries, request.kind, call));
    },
    // All at one snapshot.
    runQueryBatch: async ({ source, requests }) => {
      const calls = await Promise.all(requests.map((one) => callOf(one, identify)));
      return await turns.run(source, () => runCalls(engine, runQueries, calls));
    },
    runInlineQuery: async ({ credential, ...query }) =>
      await runInlineQuery(engine, query, await identify(credential)),
    latestTs: async () => engine.latestTs(),
    getConfigHashes: async () => pushes.configHashes(),
    startPush: (request) => pushes.startPush(request),
    evaluateSchema: (request) => pushes.evaluateSchema(request),
    evaluatePush: (request) => pushes.evaluatePush(request),
    waitForSchema: async (pushId) => pushes.schemaStatus(pushId),
    finishPush: (request) => pushes.finishPush(request),
    functionLogs: ({ cursor, waitMs }) => engine.completionsAfter(cursor, waitMs),
    updateEnvironmentVariables: (changes) => environment.apply(changes),
    usage: async () => engine.usage(),
    componentOfUpload: async (token) => engine.files.componentOfUpload(token),
    storeFile: (file) => engine.files.store(file),
    findFile: async ({ componentPath, uuid }) => engine.files.find(componentPath, uuid),
    stopWork: async () => {
      const stopped = parts.stopOthers();
      engine.releaseLogReaders();
      await stopped;
    },
    runningWork: async () => ({ actions: parts.runningActions() }),
    ping: async () => parts.threadCpuMs(),
    close: async () => {
      turns.close();
      sync.close();
      await closeOthers();
      await engine.close();
    },
  };

  port.on("message", (message: ToEngine) => {
    if (message.kind === "request") void answer(service, message, post, log);
    else for (const event of message.events) takeSocketEvent(sync, event);
  });
  post({ kind: "ready", localSiteUrl: parts.localSiteUrl });
}

function takeSocketEvent(sync: SyncServer, event: SocketEvent): void {
  switch (event.kind) {
    case "socketOpened":
      return sync.socketOpened(event.socketId);
    case "socketMessage":
      return sync.socketMessage(event.socketId, event.message, event.frameLength);
    case "socketBehind":
      return sync.socketBehind(event.socketId, event.isBehind);
    case "socketClosed":
      return sync.socketClosed(event.socketId);
    default:
      return event satisfies never;
  }
}

/** Long enough for a page's queries, short enough for a heartbeat to pass between. */
const sliceMs = 50;

export function startPiece(lengthMs: number): () => boolean {
  const endsAtMs = performance.now() + lengthMs;
  return () => performance.now() >= endsAtMs;
}

async function answer(
  service: EngineService,
  { id, method, argument }: Extract<ToEngine, { kind: "request" }>,
  post: (message: FromEngine) => void,
  log: (line: string) => void,
): Promise<void> {
  try {
    // The main thread's end pairs method and argument by type.
    const call = service[method] as (argument: unknown) => Promise<unknown>;
    post({ kind: "response", id, value: await call(argument) });
  } catch (thrown) {
    const error = asDeploymentError(thrown);
    if (!error.isUserError)
      log(`${method} failed: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
    post({ kind: "errorResponse", id, code: error.code, message: error.message });
  }
}

async function runFunction(
  engine: Engine,
  runQueries: (calls: QueryCall[]) => Promise<QueryRun[]>,
  kind: FunctionRequest["kind"],
  call: FunctionCall,
): Promise<CommittedResult> {
  if (kind === "mutation") return await engine.runMutation(call);
  if (kind === "action") return { result: await engine.runAction(call), ts: engine.latestTs() };
  if (kind === "any" && !isSystemFunction(call.name))
    return { result: await engine.runAny(call), ts: engine.latestTs() };
  return take(await runCalls(engine, runQueries, [call]));
}

async function callOf(
  { credential, componentPath, name, argsJson }: FunctionRequest,
  identify: Identify,
): Promise<FunctionCall> {
  const caller = await identify(credential);
  if (componentPath !== "" && caller.kind !== "admin") throw adminOnly();
  return { componentPath, name, argsJson, caller };
}

async function runCalls(
  engine: Engine,
  runQueries: (calls: QueryCall[]) => Promise<QueryRun[]>,
  calls: FunctionCall[],
): Promise<CommittedResult[]> {
  const runs = await runQueries(calls);
  for (const [index, { componentPath, name }] of calls.entries()) {
    const result = runs[index]?.result;
    if (!result || isSystemFunction(name)) continue;
    const text = result.status === "success" ? result.valueJson : result.message;
    engine.recordBytesSent(componentPath, name, Buffer.byteLength(text));
  }
  return runs.map(({ result, ts }) => ({ result, ts }));
}

function adminOnly(): DeploymentError {
  return new DeploymentError(
    "Unauthenticated",
    "Functions of a component are called by the app, or with the admin key.",
  );
}

/** System queries read the moment: any commit may change them. */
const readsEverything: ReadSet = { isTouchedBy: () => true };

function queryRunner(engine: Engine, url: string): (calls: QueryCall[]) => Promise<QueryRun[]> {
  const runSystemQuery = createSystemQueries(engine, url);
  return async (calls) => {
    const runs = await engine.runQueries(calls.filter(({ name }) => !isSystemFunction(name)));
    const ts = runs[0]?.ts ?? engine.latestTs();
    return calls.map((call) => {
      if (!isSystemFunction(call.name)) return take(runs);
      return { result: runSystemQuery(call), ts, reads: readsEverything, readIdentity: false, journal: null };
    });
  };
}

/**
 * One message for all frames until the next turn: a commit with hundreds of subscribers is one hop between the threads,
 * and mostly the answer of a mutation and the Transition behind it are, too.
 */
function frameOutbox(post: (message: FromEngine) => void): Pick<SyncServerParts, "send" | "close"> {
  let frames: [number, string][] = [];
  const flush = (): void => {
    if (frames.length === 0) return;
    post({ kind: "socketFrames", frames });
    frames = [];
  };
  return {
    send(socketId, frame) {
      if (frames.length === 0) setImmediate(flush);
      frames.push([socketId, frame]);
    },
    close(socketId, code, reason) {
      flush();
      post({ kind: "socketClose", socketId, code, reason });
    },
  };
}

function take<Run>(runs: Run[]): Run {
  const run = runs.shift();
  if (run === undefined) throw new Error("fewer runs than queries");
  return run;
}
