/**
 * The deployment port's HTTP server: finds the route, checks the admin key before any body is read, answers errors as
 * `{ code, message }`, and answers CORS to the pages that may use it.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import type { AdminKey } from "../auth/adminKey.ts";
import { credentialOfHeader } from "../auth/adminKey.ts";
import type { EngineClient } from "../engineClient.ts";
import type { Log } from "../log.ts";
import type { OpenWork } from "../openWork.ts";
import { asDeploymentError, DeploymentError } from "../protocol/deploymentError.ts";
import { adminRoutes, unsupportedPrefixes } from "./adminRoutes.ts";
import type { OriginCheck } from "./allowedOrigins.ts";
import { setCorsHeaders } from "./cors.ts";
import { expectsContinue } from "./expectContinue.ts";
import { deployRoutes } from "./deployRoutes.ts";
import { functionRoutes, runByPath, runByPathPrefix } from "./functionRoutes.ts";
import type { StorageFolders } from "../files/storageFolders.ts";
import { closeGently } from "./lingeringClose.ts";
import { requestUrl } from "./requestUrl.ts";
import type { DeploymentIdentity, Reply, Route } from "./route.ts";
import { download, downloadPrefix, storageRoutes } from "./storageRoutes.ts";

export interface HttpServerParts {
  adminKey: AdminKey;
  originRefusal: OriginCheck;
  folders: StorageFolders;
  /** Resolves when the engine takes requests: until then requests wait. */
  started: Promise<{ engine: EngineClient; identity: DeploymentIdentity }>;
  engineSilentMs: () => number;
  work: OpenWork;
  log: Log;
  patience?: RequestPatience;
}

export interface RequestPatience {
  /** For the head of a request. */
  headMs: number;
  /** For all of it; Convex's own. */
  requestMs: number;
  /** How often slow senders are looked for. */
  checkEveryMs: number;
  /** For the bytes of an upload, all waits together; Convex's own: https://docs.convex.dev/file-storage/upload-files. */
  uploadMs: number;
  /** For a reader of a file that takes nothing. Systems keep megabytes for a slow one, so this is long. */
  readerMs: number;
}

const defaultPatience: RequestPatience = {
  headMs: 60_000,
  requestMs: 300_000,
  checkEveryMs: 30_000,
  uploadMs: 120_000,
  readerMs: 600_000,
};

/** Longer than the idle time of any client's pool, so that a kept connection is not closed under a request. */
const keepAliveMs = 75_000;

const routes: Record<string, Route> = {
  ...adminRoutes,
  ...deployRoutes,
  ...functionRoutes,
  ...storageRoutes,
};
const methodsByPath = new Map<string, string[]>();
for (const key of Object.keys(routes)) {
  const [method = "", path = ""] = key.split(" ");
  methodsByPath.set(path, [...(methodsByPath.get(path) ?? []), method]);
}

export function createHttpServer(parts: HttpServerParts): Server {
  const { headMs, requestMs, checkEveryMs } = parts.patience ?? defaultPatience;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    void respond(parts, request, response);
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkEveryMs,
      // Other offers, such as HTTP/2 without TLS, are declined by answering the request as it is.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket",
    },
    onRequest,
  );
  closeGently(server);
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest); // as Convex, which knows no other
  return server;
}

async function respond(
  parts: HttpServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  const startedAtMs = performance.now();
  response.setHeader("Convex-Request-Id", requestId);
  response.once("close", () => logRequest(parts.log, request, response, requestId, startedAtMs));
  try {
    const refusal = parts.originRefusal(request.headers);
    if (refusal !== null) throw refusal;
    setCorsHeaders(request, response);
    if (request.method === "OPTIONS") {
      if (expectsContinue(request)) response.setHeader("Connection", "close"); // its body may come or not
      response.writeHead(200, { "Content-Length": 0 }).end();
      return;
    }
    const done = beginUnlessHealth(parts, request);
    response.once("close", done);
    send(parts, response, 200, await answer(parts, request, response));
  } catch (thrown) {
    const error = asDeploymentError(thrown);
    if (!error.isUserError) logFault(parts, request, requestId, error);
    // What came with the head is no rest: it has been parsed by then.
    await setImmediate();
    // The rest of a refused body is not read: the connection cannot be used again.
    if (!request.complete && !response.headersSent) response.setHeader("Connection", "close");
    send(parts, response, error.status, { type: "json", body: toldToCaller(error, requestId) });
  }
}

/** What a fault of the deployment itself says is for its log alone: it may name files and statements. */
function toldToCaller(
  { code, message }: DeploymentError,
  requestId: string,
): { code: string; message: string } {
  if (code !== "Internal") return { code, message };
  return {
    code: "InternalServerError",
    message: `Your request couldn't be completed. Try again later. The deployment's log says more at request ${requestId}.`,
  };
}

/** Whoever asks for the health of a deployment that stops is told. */
function beginUnlessHealth({ work }: HttpServerParts, request: IncomingMessage): () => void {
  return pathOf(request) === "/health" ? () => undefined : work.begin();
}

function logFault(
  { work, log }: HttpServerParts,
  request: IncomingMessage,
  requestId: string,
  error: DeploymentError,
): void {
  const what = `${request.method} ${pathOf(request)}`;
  // Clients that come while it stops are no fault.
  if (work.isStopping && error.code === "Unavailable")
    log("debug", `${what} is refused: ${error.message}`, { requestId });
  else log("error", `${what}: ${error.stack ?? error.message}`, { requestId });
}

function logRequest(
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  startedAtMs: number,
): void {
  log("debug", `${request.method} ${pathOf(request)}`, {
    status: response.statusCode,
    durationMs: Math.round(performance.now() - startedAtMs),
    requestId,
    ...(response.writableFinished ? {} : { clientGone: true }),
  });
}

/** Without the query string, in which arguments and tokens may be, and without the name by which anybody gets a file. */
function pathOf(request: IncomingMessage): string {
  const path = (request.url ?? "").split("?")[0] ?? "";
  return path.startsWith(downloadPrefix) ? `${downloadPrefix}*` : path;
}

async function answer(
  parts: HttpServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply> {
  const url = requestUrl(request.url);
  if (url === null) throw new DeploymentError("BadRequest", `${request.url} is no path of this deployment.`);
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  const route = findRoute(method, url.pathname);
  const credential = credentialOfHeader(request.headers.authorization, parts.adminKey);
  if (route.access === "admin" && credential.kind !== "admin") {
    throw new DeploymentError(
      "Unauthenticated",
      "This endpoint needs the admin key: `Authorization: Convex <key>`.",
    );
  }
  const { engine, identity } = await parts.started;
  if (expectsContinue(request) && !response.destroyed) response.writeContinue();
  return await route.handle({
    request,
    url,
    credential,
    engine,
    identity,
    folders: parts.folders,
    uploadMs: (parts.patience ?? defaultPatience).uploadMs,
    engineSilentMs: parts.engineSilentMs,
    isStopping: parts.work.isStopping,
  });
}

function findRoute(method: string, path: string): Route {
  const route = routes[`${method} ${path}`];
  if (route !== undefined) return route;
  if (method === "POST" && path.startsWith(runByPathPrefix)) return runByPath;
  if (method === "GET" && path.startsWith(downloadPrefix)) return download;
  const allowed = methodsByPath.get(path);
  if (allowed !== undefined) {
    throw new DeploymentError("MethodNotAllowed", `${path} takes ${allowed.join(" or ")}, not ${method}.`);
  }
  const unsupported = Object.entries(unsupportedPrefixes).find(([prefix]) => path.startsWith(prefix));
  if (unsupported !== undefined) {
    throw new DeploymentError("Unsupported", unsupported[1]);
  }
  throw new DeploymentError(
    "NotFound",
    `There is no endpoint ${method} ${path}. HTTP actions are served on the site URL.`,
  );
}

function send(parts: HttpServerParts, response: ServerResponse, status: number, reply: Reply): void {
  if (response.headersSent || response.destroyed) {
    if (reply.type === "bytes") reply.body?.destroy();
    return;
  }
  if (reply.type === "bytes") {
    void sendBytes(parts, response, reply);
    return;
  }
  const encoded =
    reply.type === "json" ? JSON.stringify(reply.body) : reply.type === "text" ? reply.body : reply.encoded;
  const contentType = reply.type === "text" ? "text/plain; charset=utf-8" : "application/json";
  const replyStatus = reply.type === "json" ? (reply.status ?? status) : status;
  response
    .writeHead(replyStatus, { "Content-Type": contentType, "Content-Length": Buffer.byteLength(encoded) })
    .end(encoded);
}

/** As fast as the client reads. A body that cannot be read to its end cuts the connection, which says so. */
async function sendBytes(
  { log, patience = defaultPatience }: HttpServerParts,
  response: ServerResponse,
  { status, headers, body }: Extract<Reply, { type: "bytes" }>,
): Promise<void> {
  response.writeHead(status, headers);
  if (body === null) {
    response.end();
    return;
  }
  // Its file stays open as long as it is read.
  response.setTimeout(patience.readerMs, () => response.destroy());
  try {
    await pipeline(body, response);
  } catch (error) {
    const isClientGone = (error as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE";
    if (!isClientGone) log("error", `A download was cut: ${String(error)}`);
  }
}
