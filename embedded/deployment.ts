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
import { type EngineWatchdog, watchEngine } from "./engineWatchdog.ts";
import { every } from "./every.ts";
import { storageFolders } from "./files/storageFolders.ts";
import { folderUnusable } from "./folderUnusable.ts";
import { allowOrigins } from "./http/allowedOrigins.ts";
import { createHttpServer, type HttpServerParts } from "./http/httpServer.ts";
import { DeploymentError } from "./protocol/deploymentError.ts";
import { createSyncSockets } from "./sync/syncSockets.ts";

export interface DeploymentOptions {
  dataDir: string;
  /** 0 picks a free one. */
  port: number;
  sitePort: number;
  /** Interface of both ports. */
  host?: string;
  instanceName?: string;
  /** Instead of the one kept in the data folder. */
  adminKey?: string;
  /** Origins whose pages may use the deployment port, as browsers send them; any when absent. */
  allowedOrigins?: readonly string[];
  log?: (line: string) => void;
}

export interface Deployment {
  url: string;
  /** Where HTTP actions are served. */
  siteUrl: string;
  adminKey: string;
  /** Resolves with the fault when the engine thread dies, never when it was closed. */
  failed: Promise<DeploymentError>;
  /** Ends running transactions, frees ports and folder. Safe to call twice. */
  close(): Promise<void>;
}

/** How long a closing deployment waits for its engine. */
const closeGraceMs = 3_000;

/** Rejects with PortTaken, FolderInUse, FolderUnusable or whatever kept the engine from starting; nothing stays open then. */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const dataDir = resolve(options.dataDir);
  const host = options.host ?? "127.0.0.1";
  const instanceName = options.instanceName ?? "embedded";
  const log = options.log ?? ((line) => console.error(line));
  const closers: (() => void | Promise<void>)[] = [];
  const close = closeOnce(closers);

  try {
    const lock = lockDataFolder(dataDir);
    closers.push(() => lock.close());
    const adminKey = keyOf(dataDir, instanceName, options.adminKey);

    const start = Promise.withResolvers<Awaited<HttpServerParts["started"]>>();
    start.promise.catch(() => undefined); // waiting requests are answered with it; with none waiting nobody else does
    let engine: EngineClient | null = null;
    let watchdog: EngineWatchdog | null = null;
    const running = (): EngineClient => {
      if (engine === null) throw new DeploymentError("Unavailable", "The deployment is starting.");
      return engine;
    };

    const originRefusal = allowOrigins(options.allowedOrigins, host);
    const server = createHttpServer({
      adminKey,
      originRefusal,
      folders: storageFolders(dataDir),
      started: start.promise,
      engineSilentMs: () => watchdog?.silentMs() ?? 0,
      log,
    });
    const sockets = createSyncSockets(adminKey, originRefusal, running);
    sockets.attach(server, start.promise);
    closers.push(() => closeServer(server, sockets));
    const url = await listen(server, host, options.port);

    engine = new EngineClient({
      dataDir,
      url,
      siteHost: host,
      sitePort: options.sitePort,
      instanceName,
      adminKey: adminKey.text,
    });
    const client = engine;
    closers.push(() => client.close(closeGraceMs));
    const siteUrl = await client.ready.catch((error: DeploymentError) => {
      start.reject(error);
      throw error;
    });
    watchdog = watchEngine({ ping: () => client.request("ping"), log, nowMs: Date.now, every });
    closers.push(watchdog.close);
    start.resolve({ engine: client, identity: { instanceName, url, siteUrl } });

    return { url, siteUrl, adminKey: adminKey.text, failed: failureOf(client), close };
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
  return `http://${host.includes(":") ? `[${host}]` : host}:${boundPort}`;
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
