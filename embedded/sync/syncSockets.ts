/** The WebSockets of the sync protocol, in the main thread: takes upgrades and passes on what the engine thread sends. */
import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { AdminKey } from "../auth/adminKey.ts";
import type { EngineClient } from "../engineClient.ts";
import { every } from "../every.ts";
import type { OriginCheck } from "../http/allowedOrigins.ts";
import { requestUrl } from "../http/requestUrl.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { SyncSocket } from "./syncSocket.ts";

/** `/api/sync` or `/api/<client version>/sync`. */
const syncPath = /^\/api\/(?:(?<version>[^/]+)\/)?sync$/;
/**
 * As on Convex. Arguments may have 16 MiB: larger ones get an answer that says so, while a socket that ends because of a
 * frame is opened again by the client, and gets the same frame again.
 */
const maxFrameBytes = 64 * 1024 * 1024;
const livenessCheckMs = 30_000;
/** RFC 6455, 7.4.1. */
const goingAway = 1001;

export interface SyncSockets {
  /** Takes upgrades of the server from now on. */
  attach(server: Server, started: Promise<unknown>): void;
  /** Sends on, and takes no frame any more: the client sends what it had sent again when it is connected again. */
  stop(): void;
  close(): void;
}

/** @param repeat - Returns what stops it. */
export function createSyncSockets(
  adminKey: AdminKey,
  originRefusal: OriginCheck,
  engine: () => EngineClient,
  repeat: (intervalMs: number, tick: () => void) => () => void = every,
): SyncSockets {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    // syncSocket.ts answers: what a client that reads none of the answers is sent would pile up.
    autoPong: false,
  });
  const sockets = new Map<number, SyncSocket>();
  let nextSocketId = 1;

  const stopLivenessCheck = repeat(livenessCheckMs, () => {
    for (const socket of sockets.values()) socket.check();
  });

  function accept(webSocket: WebSocket, takesChunks: boolean): void {
    const socketId = nextSocketId++;
    sockets.set(socketId, new SyncSocket({ socketId, webSocket, takesChunks, engine: engine(), adminKey }));
    engine().tellSocketEvent({ kind: "socketOpened", socketId });
    webSocket.on("close", () => {
      sockets.delete(socketId);
      engine().tellSocketEvent({ kind: "socketClosed", socketId });
    });
  }

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, started: Promise<unknown>): void {
    stream.on("error", () => stream.destroy()); // a peer that resets; nobody else listens before the handshake
    const refusal = refusalOf(request, originRefusal);
    if (refusal !== null) {
      refuse(stream, refusal);
      return;
    }
    const takesChunks = knowsChunks(request.url);
    started.then(
      () => webSockets.handleUpgrade(request, stream, head, (socket) => accept(socket, takesChunks)),
      () => stream.destroy(),
    );
  }

  return {
    attach(server, started) {
      server.on("upgrade", (request, stream, head) => upgrade(request, stream, head, started));
      void started.then(
        () =>
          engine().relayTo({
            send: (socketId, frame) => sockets.get(socketId)?.send(frame),
            close: (socketId, code, reason) => sockets.get(socketId)?.close(code, reason),
            taken: (socketId, length) => sockets.get(socketId)?.taken(length),
            closeAll: (reason) => {
              for (const socket of sockets.values()) socket.close(goingAway, reason);
            },
          }),
        () => undefined, // whoever started the deployment is told
      );
    },
    stop() {
      for (const socket of sockets.values()) socket.stop();
    },
    close() {
      stopLivenessCheck();
      for (const socket of sockets.values()) socket.close(goingAway, "DeploymentClosing");
      webSockets.close();
    },
  };
}

/** Why the upgrade is not taken; null when it is. */
function refusalOf(
  { headers, url: target }: IncomingMessage,
  originRefusal: OriginCheck,
): DeploymentError | null {
  const url = requestUrl(target);
  if (url === null) return new DeploymentError("BadRequest", `${target} is no path of this deployment.`);
  if (!syncPath.test(url.pathname))
    return new DeploymentError("NotFound", `There is no WebSocket at ${url.pathname}.`);
  return originRefusal(headers);
}

function refuse(stream: Duplex, { status, message }: DeploymentError): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(message)}`,
  ];
  stream.once("finish", () => stream.destroy());
  stream.end(`${head.join("\r\n")}\r\n\r\n${message}`);
}

/** From convex 1.28 on. */
function knowsChunks(target: string | undefined): boolean {
  const version = syncPath.exec(requestUrl(target)?.pathname ?? "")?.groups?.["version"] ?? "";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 1 || (major === 1 && minor >= 28);
}
