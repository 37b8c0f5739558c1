/**
 * The deployment port's HTTP server: finds the route, checks the admin key before any body is read, answers errors as
 * `{ code, message }`, and answers CORS to the pages that may use it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AdminKey } from "../auth/adminKey.ts";
import { credentialOfHeader } from "../auth/adminKey.ts";
import type { EngineClient } from "../engineClient.ts";
import { asDeploymentError, DeploymentError } from "../protocol/deploymentError.ts";
import { adminRoutes, unsupportedPrefixes } from "./adminRoutes.ts";
import type { OriginCheck } from "./allowedOrigins.ts";
import { deployRoutes } from "./deployRoutes.ts";
import { functionRoutes, runByPath, runByPathPrefix } from "./functionRoutes.ts";
import { requestUrl } from "./requestUrl.ts";
import type { DeploymentIdentity, Reply, Route } from "./route.ts";

export interface HttpServerParts {
  adminKey: AdminKey;
  originRefusal: OriginCheck;
  /** Resolves when the engine takes requests: until then requests wait. */
  started: Promise<{ engine: EngineClient; identity: DeploymentIdentity }>;
  engineSilentMs: () => number;
  log: (line: string) => void;
}

/** Longer than the idle time of any client's pool, so that a kept connection is not closed under a request. */
const keepAliveMs = 75_000;

const routes: Record<string, Route> = { ...adminRoutes, ...deployRoutes, ...functionRoutes };
const methodsByPath = new Map<string, string[]>();
for (const key of Object.keys(routes)) {
  const [method = "", path = ""] = key.split(" ");
  methodsByPath.set(path, [...(methodsByPath.get(path) ?? []), method]);
}

export function createHttpServer(parts: HttpServerParts): Server {
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    void respond(parts, request, response);
  });
  return server;
}

async function respond(
  parts: HttpServerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const refusal = parts.originRefusal(request.headers);
    if (refusal !== null) throw refusal;
    setCorsHeaders(request, response);
    if (request.method === "OPTIONS") {
      response.writeHead(204).end();
      return;
    }
    send(response, 200, await answer(parts, request));
  } catch (thrown) {
    const error = asDeploymentError(thrown);
    if (!error.isUserError) parts.log(`${request.method} ${request.url}: ${error.stack ?? error.message}`);
    // The rest of a refused body is not read: the connection cannot be used again.
    if (!request.complete) response.setHeader("Connection", "close");
    send(response, error.status, { type: "json", body: { code: error.code, message: error.message } });
  }
}

async function answer(parts: HttpServerParts, request: IncomingMessage): Promise<Reply> {
  const url = requestUrl(request.url);
  if (url === null) throw new DeploymentError("BadRequest", `${request.url} is no path of this deployment.`);
  const route = findRoute(request.method ?? "GET", url.pathname);
  const credential = credentialOfHeader(request.headers.authorization, parts.adminKey);
  if (route.access === "admin" && credential.kind !== "admin") {
    throw new DeploymentError(
      "Unauthenticated",
      "This endpoint needs the admin key: `Authorization: Convex <key>`.",
    );
  }
  const { engine, identity } = await parts.started;
  return await route.handle({
    request,
    url,
    credential,
    engine,
    identity,
    engineSilentMs: parts.engineSilentMs,
  });
}

function findRoute(method: string, path: string): Route {
  const route = routes[`${method} ${path}`];
  if (route !== undefined) return route;
  if (method === "POST" && path.startsWith(runByPathPrefix)) return runByPath;
  const allowed = methodsByPath.get(path);
  if (allowed !== undefined) {
    throw new DeploymentError("MethodNotAllowed", `${path} takes ${allowed.join(" or ")}, not ${method}.`);
  }
  const unsupported = Object.entries(unsupportedPrefixes).find(([prefix]) => path.startsWith(prefix));
  if (unsupported !== undefined) {
    throw new DeploymentError("Unsupported", `${unsupported[1]} is not part of the embedded deployment.`);
  }
  throw new DeploymentError(
    "NotFound",
    `There is no endpoint ${method} ${path}. HTTP actions are served on the site URL.`,
  );
}

function send(response: ServerResponse, status: number, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const encoded =
    reply.type === "json" ? JSON.stringify(reply.body) : reply.type === "text" ? reply.body : reply.encoded;
  const contentType = reply.type === "text" ? "text/plain; charset=utf-8" : "application/json";
  const replyStatus = reply.type === "json" ? (reply.status ?? status) : status;
  response
    .writeHead(replyStatus, { "Content-Type": contentType, "Content-Length": Buffer.byteLength(encoded) })
    .end(encoded);
}

function setCorsHeaders(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Vary", "Origin");
  response.setHeader("Access-Control-Allow-Credentials", "true");
  if (request.method !== "OPTIONS") return;
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response.setHeader(
    "Access-Control-Allow-Headers",
    "Authorization, Baggage, Content-Type, Convex-Client, Sentry-Trace, Traceparent",
  );
  response.setHeader("Access-Control-Max-Age", "86400");
}
