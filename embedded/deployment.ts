/**
 * A deployment in this process: the lock on its data folder, the deployment port (HTTP, WebSocket) and the engine
 * thread behind it. This is the main thread's part; it holds no state of the deployment.
 */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { type AdminKey, openAdminKey } from "./auth/adminKey.ts";
import { lockDataFolder } from "./dataFolderLock.ts";
import { EngineClient } from "./engineClient.ts";
import { type EngineWatchdog, type WatchdogParts, watchEngine } from "./engineWatchdog.ts";
import { every } from "./every.ts";
import {
  emptyFolder,
  makeStorageFolders,
  storageFolders,
  type StorageFolders,
} from "./files/storageFolders.ts";
import { folderUnusable } from "./folderUnusable.ts";
import { allowOrigins, type OriginCheck } from "./http/allowedOrigins.ts";
import { createHttpServer, type HttpServerParts } from "./http/httpServer.ts";
import { isWildcard, localUrl } from "./http/localUrl.ts";
import { createLog, defaultLogSettings, type Log, type LogSettings } from "./log.ts";
import { DeploymentError } from "./protocol/deploymentError.ts";
import { letWorkEnd, OpenWork } from "./openWork.ts";
import { createSyncSockets } from "./sync/syncSockets.ts";

export interface DeploymentOptions {
  dataDir: string;
  /** 0 picks a free one. */
  port: number;
  sitePort: number;
  /** Interface of both ports. */
  host?: string;
  /** Origins by which clients reach the two ports, behind a proxy say; by default as this machine reaches them. */
  url?: string;
  siteUrl?: string;
  instanceName?: string;
  /** Instead of the one kept in the data folder. */
  adminKey?: string;
  /** Origins whose pages may use the deployment port, as browsers send them; any when absent. */
  allowedOrigins?: readonly string[];
  /** What is told on stderr; warnings and errors as text by default. */
  log?: LogSettings;
  /** Takes the main thread's lines instead of stderr. */
  writeLog?: (line: string) => void;
  /** Heap of the engine thread. A deployment that needs more ends, with an error. */
  engineHeapMb?: number;
  /** A query or a mutation that takes more ends the engine thread, and another is started. */
  maxMemoryMb?: number;
  /** By which the engine thread's silence is measured; tests hold them. */
  watchdogTimers?: Pick<WatchdogParts, "nowMs" | "every">;
}

export interface Deployment {
  /** As clients reach it. */
  url: string;
  /** Where HTTP actions are served, as clients reach it. */
  siteUrl: string;
  /** How this machine reaches the two ports, whatever clients call them. */
  localUrl: string;
  localSiteUrl: string;
  adminKey: string;
  /** Resolves with the fault when the engine thread dies, never when it was closed. */
  failed: Promise<DeploymentError>;
  /** Takes no new work, lets what runs end for as long as that, then closes. */
  stop(graceMs: number): Promise<void>;
  /** Ends at once what runs, frees ports and folder. Safe to call twice. */
  close(): Promise<void>;
}

/** How long a closing deployment waits for its engine. */
const closeGraceMs = 3_000;
/** Documents of the widest transactions, caches and code need a small part of it. */
const defaultEngineHeapMb = 4_096;
const defaultMaxMemoryMb = 512;

/** Rejects with PortTaken, FolderInUse, FolderUnusable or whatever kept the engine from starting; nothing stays open then. */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const dataDir = resolve(options.dataDir);
  const host = options.host ?? "127.0.0.1";
  const instanceName = options.instanceName ?? "embedded";
  const logSettings = options.log ?? defaultLogSettings;
  const log = createLog(logSettings, "main", options.writeLog);
  const logError = (line: string): void => log("error", line);
  const closers: (() => void | Promise<void>)[] = [];
  const close = closeOnce(closers);

  try {
    const lock = lockDataFolder(dataDir);
    closers.push(() => lock.close());
    const adminKey = keyOf(dataDir, instanceName, options.adminKey);
    const folders = openStorage(dataDir);

    const start = Promise.withResolvers<Awaited<HttpServerParts["started"]>>();
    start.promise.catch(() => undefined); // waiting requests are answered with it; with none waiting nobody else does
    let engine: EngineClient | null = null;
    let watchdog: EngineWatchdog | null = null;
    const running = (): EngineClient => {
      if (engine === null) throw new DeploymentError("Unavailable", "The deployment is starting.");
      return engine;
    };

    const work = new OpenWork();
    const originRefusal = allowOrigins(options.allowedOrigins, [host, ...namesOf(options.url)]);
    const server = createHttpServer({
      adminKey,
      originRefusal,
      folders,
      started: start.promise,
      engineSilentMs: () => watchdog?.silentMs() ?? 0,
      work,
      log,
    });
    const socketRefusal: OriginCheck = (headers) => work.refusal() ?? originRefusal(headers);
    const sockets = createSyncSockets(adminKey, socketRefusal, running);
    sockets.attach(server, start.promise);
    closers.push(() => closeServer(server, sockets));
    const ownUrl = await listen(server, host, options.port);
    const url = options.url ?? ownUrl;

    const { sitePort, engineHeapMb = defaultEngineHeapMb, maxMemoryMb = defaultMaxMemoryMb } = options;
    engine = new EngineClient(
      {
        dataDir,
        url,
        siteUrl: options.siteUrl,
        siteHost: host,
        sitePort,
        instanceName,
        adminKey: adminKey.text,
        log: logSettings,
      },
      { engineHeapMb, maxMemoryMb, logError },
    );
    const client = engine;
    closers.push(() => client.close(closeGraceMs));
    const localSiteUrl = await client.ready.catch((error: DeploymentError) => {
      start.reject(error);
      throw error;
    });
    const siteUrl = options.siteUrl ?? localSiteUrl;
    watchdog = watchClient(client, logError, options.watchdogTimers);
    closers.push(watchdog.close);
    start.resolve({ engine: client, identity: { instanceName, url, siteUrl } });
    const urls = { url, siteUrl, localUrl: ownUrl, localSiteUrl };
    log("info", "started", { url, siteUrl, dataDir });
    tellWhere(options, log, urls);

    const stop = async (graceMs: number): Promise<void> => {
      work.refuseNew();
      sockets.stop();
      server.close();
      server.closeIdleConnections();
      await letWorkEnd({ engine: client, openRequests: () => work.openRequests, graceMs, log });
      await close();
    };
    return { ...urls, adminKey: adminKey.text, failed: failureOf(client), stop, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function keyOf(...where: Parameters<typeof openAdminKey>): AdminKey {
  try {
    return openAdminKey(...where);
  } catch (cause) {
    throw folderUnusable(where[0], cause);
  }
}

function watchClient(
  client: EngineClient,
  log: (line: string) => void,
  timers: DeploymentOptions["watchdogTimers"] = { nowMs: Date.now, every },
): EngineWatchdog {
  const endEngine = (): void => client.replaceSilent();
  return watchEngine({ ping: () => client.request("ping"), endEngine, log, ...timers });
}

function failureOf(engine: EngineClient): Promise<DeploymentError> {
  return new Promise((resolve) => {
    void engine.ended.then((error) => {
      if (error !== null) resolve(error);
    });
  });
}

/** Closes in the opposite order of opening; a second call waits for the first. */
function closeOnce(closers: (() => void | Promise<void>)[]): () => Promise<void> {
  let closing: Promise<void> | null = null;
  const closeAll = async (): Promise<void> => {
    for (const close of closers.toReversed()) await close();
  };
  return () => (closing ??= closeAll());
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw listenError(cause, host, port);
  }
  const { port: boundPort } = server.address() as AddressInfo;
  return localUrl(host, boundPort);
}

/** In the main thread: uploads go on when the engine thread is started anew. */
function openStorage(dataDir: string): StorageFolders {
  const folders = storageFolders(dataDir);
  try {
    makeStorageFolders(folders);
    emptyFolder(folders.uploads);
  } catch (cause) {
    throw folderUnusable(dataDir, cause);
  }
  return folders;
}

/** Where the ports are, when clients know them by other names; on every interface no name is ours to tell. */
function tellWhere(
  given: DeploymentOptions,
  log: Log,
  { url, siteUrl, localUrl, localSiteUrl }: Pick<Deployment, "url" | "siteUrl" | "localUrl" | "localSiteUrl">,
): void {
  if (url !== localUrl || siteUrl !== localSiteUrl) log("info", "listening", { localUrl, localSiteUrl });
  if (!isWildcard(given.host ?? "") || (given.url !== undefined && given.siteUrl !== undefined)) return;
  log(
    "warn",
    `Functions and clients are told that the deployment is at ${url} and ${siteUrl}, also in the URLs of uploads and files. ` +
      "Give --url and --site-url as other machines reach it: loopback leads them to themselves.",
  );
}

function namesOf(url: string | undefined): string[] {
  return url === undefined ? [] : [new URL(url).hostname];
}

function listenError(cause: unknown, host: string, port: number): DeploymentError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  const sentence =
    code === "EADDRINUSE"
      ? `Port ${port} on ${host} is taken. End the program that uses it, or choose another with --port.`
      : `Port ${port} on ${host} cannot be opened (${code}).`;
  return new DeploymentError("PortTaken", sentence, { cause });
}

function closeServer(server: Server, sockets: { close(): void }): Promise<void> {
  sockets.close();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
