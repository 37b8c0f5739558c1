/**
 * The simulated model server: routes, keys, control endpoints. It stands for api.openai.com and api.anthropic.com on
 * the loopback interface, and tells a client apart from theirs by nothing but its answers.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { anthropicFormat } from "./anthropicFormat.ts";
import { RefusedRequest } from "./conversation.ts";
import { BackgroundResponses } from "./backgroundResponses.ts";
import { openaiFormat } from "./openaiFormat.ts";
import { responsesFormat } from "./responsesFormat.ts";
import type { PacingDefaults } from "./replyPacing.ts";
import { RequestLog, type LoggedRequest } from "./requestLog.ts";
import { sendReply } from "./sendReply.ts";
import type { WireFormat } from "./wireFormat.ts";

export interface ModelServerOptions extends Partial<PacingDefaults> {
  /** 0 or absent: a free port. */
  port?: number;
  models?: readonly string[];
}

export interface ModelServer {
  url: string;
  /** Live; oldest first. */
  requests: readonly LoggedRequest[];
  /** Ends open replies at once. */
  close(): Promise<void>;
}

const responsesPath = "/v1/responses/";
const host = "127.0.0.1";
const demoModels = ["demo", "demo-anthropic"];
const maxBodyBytes = 32 * 1024 * 1024;

/** @throws the `listen` error (`EADDRINUSE`) when the port is taken. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const log = new RequestLog();
  const responses = new BackgroundResponses();
  const settings: ServerSettings = {
    log,
    responses,
    models: options.models ?? demoModels,
    pacing: { tokensPerSecond: options.tokensPerSecond ?? 40, firstTokenMs: options.firstTokenMs ?? 250 },
  };
  const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
    void answerRequest(request, response, settings);
  });
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host}:${port}`,
    requests: log.requests,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        responses.cancelAll();
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

interface ServerSettings {
  log: RequestLog;
  responses: BackgroundResponses;
  models: readonly string[];
  pacing: PacingDefaults;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
}

async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  settings: ServerSettings,
): Promise<void> {
  const url = URL.parse(request.url ?? "/", `http://${host}`);
  if (url === null) {
    sendJson(response, 400, { error: { message: `This is no URL: ${request.url}` } });
    return;
  }
  const { pathname, searchParams } = url;
  const format = formatOf(pathname);
  const requestId = randomBytes(12).toString("hex");
  response.on("error", () => response.destroy());
  try {
    switch (`${request.method} ${pathname}`) {
      case "POST /v1/chat/completions":
      case "POST /v1/messages":
      case "POST /v1/responses":
        requireKey(request);
        await answerModelRequest(request, response, { ...settings, format, requestId });
        return;
      case "GET /v1/models":
        requireKey(request);
        sendJson(response, 200, { object: "list", data: settings.models.map(modelEntry) });
        return;
      case "GET /control/requests":
        sendJson(response, 200, settings.log.requests);
        return;
      case "DELETE /control/requests":
        settings.log.clear();
        sendJson(response, 200, {});
        return;
      case "POST /control/release":
        sendJson(response, 200, { released: settings.log.release(searchParams.get("id")) });
        return;
      default:
        if (pathname.startsWith(responsesPath)) {
          requireKey(request);
          await answerAboutResponse(request, response, url, settings.responses);
          return;
        }
        throw new RefusedRequest(404, `Unknown request URL: ${request.method} ${pathname}`, "unknown_url");
    }
  } catch (error) {
    refuse(response, format, requestId, error);
  }
}

function formatOf(pathname: string): WireFormat {
  switch (pathname) {
    case "/v1/messages":
      return anthropicFormat;
    case "/v1/responses":
      return responsesFormat();
    default:
      return openaiFormat;
  }
}

/** Retrieves, streams or cancels one that is made in the background. */
async function answerAboutResponse(
  { method }: IncomingMessage,
  response: ServerResponse,
  { pathname, searchParams }: URL,
  responses: BackgroundResponses,
): Promise<void> {
  const [id = "", action, ...more] = pathname.slice(responsesPath.length).split("/");
  const route = `${method} ${[action ?? "", ...more].join("/")}`;
  if (route === "POST cancel") {
    const background = responses.get(id);
    background.cancel();
    sendJson(response, 200, background.whole);
  } else if (route === "GET ") {
    const background = responses.get(id);
    if (searchParams.get("stream") !== "true") {
      sendJson(response, 200, background.whole);
      return;
    }
    const after = searchParams.get("starting_after");
    await background.resume(response, after === null ? null : Number(after));
  } else {
    throw new RefusedRequest(404, `Unknown request URL: ${method} ${pathname}`, "unknown_url");
  }
}

async function answerModelRequest(
  request: IncomingMessage,
  response: ServerResponse,
  settings: ServerSettings & { format: WireFormat; requestId: string },
): Promise<void> {
  let body: unknown;
  try {
    body = JSON.parse(await readBody(request));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new RefusedRequest(400, `We could not parse the JSON body of your request: ${error.message}`);
    }
    throw error;
  }
  await sendReply(response, settings.format.parse(body, settings.models), settings);
}

/** Any key will do, except those that say of themselves that they are wrong. */
function requireKey({ headers }: IncomingMessage): void {
  const apiKey = headers["x-api-key"];
  const key = typeof apiKey === "string" ? apiKey : (headers.authorization?.replace(/^Bearer\s*/i, "") ?? "");
  if (key === "") {
    throw new RefusedRequest(
      401,
      "You didn't provide an API key. The demo server takes any key.",
      "invalid_api_key",
    );
  }
  if (/invalid|wrong|expired/i.test(key)) {
    throw new RefusedRequest(401, `Incorrect API key provided: ${key.slice(0, 12)}…`, "invalid_api_key");
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).length;
    if (size > maxBodyBytes) {
      throw new RefusedRequest(413, `The request is larger than ${maxBodyBytes} bytes`);
    }
  }
  return Buffer.concat(pieces).toString("utf8");
}

function refuse(response: ServerResponse, format: WireFormat, requestId: string, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const refused =
    error instanceof RefusedRequest
      ? error
      : new RefusedRequest(500, `The demo server failed: ${String(error)}`);
  response.setHeader(format.requestIdHeader, `req_${requestId}`);
  if (refused.status === 429 || refused.status === 529) {
    response.setHeader("retry-after", "1");
  }
  sendJson(response, refused.status, format.errorBody(refused, requestId));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function modelEntry(id: string) {
  return {
    id,
    object: "model",
    type: "model",
    display_name: id,
    created: 0,
    created_at: "1970-01-01T00:00:00Z",
    owned_by: "duet-demo",
  };
}
