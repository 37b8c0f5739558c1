/**
 * The engine thread: puts the engine, the action pool and the edge's part of this thread together.
 * Started by engineClient.ts with `EngineThreadData`.
 */
import { randomBytes } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";

import { createActionPool } from "./actions/actionPool.ts";
import type { ActionPool } from "./actions/actionPool.ts";
import { adminKeyOf, credentialOfHeader } from "./auth/adminKey.ts";
import { type Authenticator, createAuthenticator } from "./auth/authenticator.ts";
import { openEngine } from "./engine.ts";
import type { OpenEngine } from "./engine.ts";
import { serveMainThread, startPiece } from "./engineService.ts";
import { createLog, type Log } from "./log.ts";
import type { EngineForActions } from "./protocol/actions.ts";
import type { FunctionCompletion } from "./protocol/calls.ts";
import { asDeploymentError } from "./protocol/deploymentError.ts";
import type { EngineThreadData, FromEngine } from "./protocol/mainMessages.ts";
import { RunningCall } from "./runner/runningCall.ts";
import { catchStrayErrors } from "./runner/strayErrors.ts";
import type { Timers } from "./scheduler/scheduledRuns.ts";
import { Turns } from "./turns/turns.ts";

/** setTimeout takes no more; whoever waits longer asks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const systemTimers: Timers = {
  nowMs: () => Date.now(),
  setTimer: (callback, afterMs) => {
    const timer = setTimeout(callback, Math.min(afterMs, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** As long as a batch of mutations stays open: their answers wait for the end of the slice. */
const turnsMs = 20;

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Asking the system for each few bytes of an id would cost as much as storing the document. */
function pooledRandomBytes(): (count: number) => Uint8Array {
  const poolBytes = 4096;
  let pool = Buffer.alloc(0);
  let used = 0;
  return (count) => {
    if (count > poolBytes) return randomBytes(count);
    if (used + count > pool.length) [pool, used] = [randomBytes(poolBytes), 0];
    used += count;
    return pool.subarray(used - count, used);
  };
}

async function start(port: MessagePort, data: EngineThreadData): Promise<void> {
  const tell = createLog(data.log, "engine");
  const log = (line: string): void => tell("error", line);
  let pool: ActionPool | null = null;
  const siteUrlOf = ({ localUrl }: ActionPool): string => data.siteUrl ?? localUrl;
  const turns = new Turns({ startSlice: () => startPiece(turnsMs), monotonicMs: () => performance.now() });
  const engine = openEngine({
    dataDir: data.dataDir,
    instanceName: data.instanceName,
    timers: systemTimers,
    threadCpuMs,
    randomBytes: pooledRandomBytes(),
    runningCall: new RunningCall(data.runningCall, data.fatalCall, systemTimers.nowMs),
    maxMemoryMb: data.maxMemoryMb,
    log,
    takeTurn: (work) => turns.add("scheduler", work),
    onCompletion: (completion) => logCompletion(tell, completion),
    runAction: async (call, requestId) =>
      pool?.runAction(call, requestId) ?? {
        status: "error",
        message: "The deployment is still starting.",
        logLines: [],
      },
    builtInEnvironment: () => ({
      CONVEX_CLOUD_URL: data.url,
      ...(pool ? { CONVEX_SITE_URL: siteUrlOf(pool) } : {}),
    }),
  });
  const adminKey = adminKeyOf(data.adminKey);
  const authenticator = createAuthenticator({
    providers: () => engine.code()?.authProviders ?? [],
    nowMs: Date.now,
    rules: {
      ownSite: () =>
        pool && { origin: siteUrlOf(pool), localOrigin: pool.localUrl, headers: pool.ownRequestHeaders },
    },
  });
  try {
    pool = await createActionPool({
      siteHost: data.siteHost,
      sitePort: data.sitePort,
      dataDir: data.dataDir,
      engine: inTurns(engine, turns),
      identify: async (authorization) =>
        await authenticator.identify(credentialOfHeader(authorization, adminKey)),
      log,
    });
  } catch (error) {
    await engine.close();
    throw error;
  }
  keepInformed(pool, engine, authenticator);
  engine.startScheduler();
  serveMainThread({
    port,
    engine,
    turns,
    threadCpuMs,
    identify: authenticator.identify,
    url: data.url,
    siteUrl: siteUrlOf(pool),
    localSiteUrl: pool.localUrl,
    closeOthers: () => closeActions(pool, engine),
    stopOthers: async () => {
      engine.stopScheduler();
      await pool.stop();
    },
    runningActions: () => pool.running,
    log,
  });
}

/** Each action that runs has its own place among the callers: one that floods holds up no other's heartbeat. */
function inTurns(engine: OpenEngine, turns: Turns): EngineForActions {
  return {
    actionSyscall: (context, op, argsJson) =>
      turns.run(`action ${context.requestId}`, () => engine.actionSyscall(context, op, argsJson)),
    recordCompletion: (completion, bytesSent) => engine.recordCompletion(completion, bytesSent),
    environmentOf: (componentPath) => engine.environmentOf(componentPath),
  };
}

function keepInformed(pool: ActionPool, engine: OpenEngine, authenticator: Authenticator): void {
  pool.setCode(engine.code());
  engine.onCode((next) => {
    pool.setCode(next);
    authenticator.forgetKeys();
  });
  engine.onEnvironment(() => {
    pool.setEnvironment();
    authenticator.forgetKeys();
  });
}

async function closeActions(pool: ActionPool, engine: OpenEngine): Promise<void> {
  engine.stopScheduler();
  await pool.close();
}

/** The function logs. Failures of functions are the app's matter: at this level, too, a healthy deployment is silent. */
function logCompletion(log: Log, completion: FunctionCompletion): void {
  const { kind, componentPath, name, executionMs, error, logLines, requestId } = completion;
  log("info", `${kind} ${name}`, {
    ...(componentPath === "" ? {} : { component: componentPath }),
    durationMs: Math.round(executionMs),
    status: error === null ? "success" : "error",
    requestId,
    error,
    logLines,
  });
}

if (!parentPort) throw new Error("engineThread.ts is started as a worker by engineClient.ts");
const port = parentPort;
// A promise that a mutation forgot to await must not end the thread; a fault of the engine itself still does.
catchStrayErrors((error) => {
  throw error;
});
try {
  await start(port, workerData as EngineThreadData);
} catch (thrown) {
  const { code, message } = asDeploymentError(thrown);
  const failed: FromEngine = { kind: "failed", code, message };
  port.postMessage(failed);
  port.close();
}
