/**
 * The WebSockets of the sync protocol, in the main thread: decodes frames for the sessions in the engine thread and
 * sends theirs. It owns what concerns the wire: dead peers, and clients that do not read.
 */
import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { AdminKey } from "../auth/adminKey.ts";
import type { EngineClient } from "../engineClient.ts";
import type { OriginCheck } from "../http/allowedOrigins.ts";
import { requestUrl } from "../http/requestUrl.ts";
import { asDeploymentError, DeploymentError } from "../protocol/deploymentError.ts";
import { decodeClientMessage } from "./decodeClientMessage.ts";

/** `/api/sync` or `/api/<client version>/sync`. */
const syncPath = /^\/api\/(?:[^/]+\/)?sync$/;
/** Arguments are at most 16 MiB; JSON around them needs a little more. */
const maxFrameBytes = 17 * 1024 * 1024;
/** A client that leaves this much unread is cut off: it comes back and gets the newest state, which is smaller. */
const maxUnreadBytes = 32 * 1024 * 1024;
/** A peer that vanished without a word (sleep, cable) is noticed after one to two of these. */
const livenessCheckMs = 30_000;

/** RFC 6455, 7.4.1. */
const goingAway = 1001;
const policyViolation = 1008;

export interface SyncSockets {
  /** Takes upgrades of the server from now on. */
  attach(server: Server, started: Promise<unknown>): void;
  close(): void;
}

export function createSyncSockets(
  adminKey: AdminKey,
  originRefusal: OriginCheck,
  engine: () => EngineClient,
): SyncSockets {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
  });
  const sockets = new Map<number, WebSocket>();
  const silent = new WeakSet<WebSocket>();
  let nextSocketId = 1;

  const livenessCheck = setInterval(() => {
    for (const socket of sockets.values()) {
      if (silent.has(socket)) socket.terminate();
      silent.add(socket);
      socket.ping();
    }
  }, livenessCheckMs);

  function accept(socket: WebSocket): void {
    const socketId = nextSocketId++;
    sockets.set(socketId, socket);
    engine().socketOpened(socketId);
    socket.on("message", (data, isBinary) => {
      silent.delete(socket);
      if (isBinary) {
        socket.close(policyViolation, "BinaryFrame");
        return;
      }
      onFrame(socketId, socket, (data as Buffer).toString("utf8"));
    });
    socket.on("pong", () => silent.delete(socket));
    socket.on("close", () => {
      sockets.delete(socketId);
      engine().socketClosed(socketId);
    });
    // "close" follows and says all there is to say.
    socket.on("error", () => undefined);
  }

  function onFrame(socketId: number, socket: WebSocket, frame: string): void {
    try {
      engine().socketMessage(socketId, decodeClientMessage(frame, adminKey));
    } catch (thrown) {
      const error = asDeploymentError(thrown);
      socket.send(JSON.stringify({ type: "FatalError", error: `${error.code}: ${error.message}` }));
      socket.close(policyViolation, error.code);
    }
  }

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, started: Promise<unknown>): void {
    stream.on("error", () => stream.destroy()); // a peer that resets; nobody else listens before the handshake
    const refusal = refusalOf(request, originRefusal);
    if (refusal !== null) {
      refuse(stream, refusal);
      return;
    }
    started.then(
      () => webSockets.handleUpgrade(request, stream, head, accept),
      () => stream.destroy(),
    );
  }

  return {
    attach(server, started) {
      server.on("upgrade", (request, stream, head) => upgrade(request, stream, head, started));
      void started.then(
        () =>
          engine().relayTo({
            send: (socketId, frame) => sendFrame(sockets.get(socketId), frame),
            close: (socketId, code, reason) => sockets.get(socketId)?.close(code, reason),
          }),
        () => undefined, // whoever started the deployment is told
      );
    },
    close() {
      clearInterval(livenessCheck);
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

function sendFrame(socket: WebSocket | undefined, frame: string): void {
  if (socket === undefined || socket.readyState !== WebSocket.OPEN) return;
  if (socket.bufferedAmount > maxUnreadBytes) {
    socket.terminate();
    return;
  }
  socket.send(frame);
}
