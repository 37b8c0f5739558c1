/**
 * The end of connections whose client may still be sending. A socket that is closed with bytes unread is reset by the
 * system, and a reset can overtake the last answer or make the client throw it away. So our side is ended first, and
 * what still comes is read away until the client ends its side, for a while (nginx calls it lingering_close).
 */
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** For the answer to arrive and the client to take notice. */
const lingerMs = 2_000;

const badRequest = "400 Bad Request";
/** What Node would answer by itself before it cuts the connection. */
const statusOfFault: ReadonlyMap<unknown, string> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Payload Too Large"],
]);

/** The client has ended its side, or cut it: nothing comes any more that could be read away. */
const goneCodes: ReadonlySet<unknown> = new Set(["ECONNRESET", "HPE_INVALID_EOF_STATE"]);

/** From now on `server` ends its connections this way, those included whose request it cannot take. */
export function closeGently(server: Server): void {
  // Not held: a connection may be kept open long after its last answer, which holds all that made it.
  const newest = new WeakMap<Socket, WeakRef<ServerResponse>>();
  server.on("connection", (socket: Socket) => {
    // What Node calls after the last answer on a connection.
    socket.destroySoon = () => linger(socket);
  });
  for (const event of ["request", "checkContinue", "checkExpectation"] as const)
    server.prependListener(event, (request, response) => newest.set(request.socket, new WeakRef(response)));
  // Node would end it without a word.
  server.on("connect", (_request, stream) => {
    const socket = stream as Socket;
    refuseTunnel(socket, newest.get(socket)?.deref());
  });
  server.on("clientError", (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket;
    if (goneCodes.has(error.code)) socket.destroy(error);
    else if (socket.writable)
      refuse(socket, newest.get(socket)?.deref(), statusOfFault.get(error.code) ?? badRequest);
  });
}

function refuse(socket: Socket, response: ServerResponse | undefined, status: string): void {
  if (response === undefined || response.writableFinished) {
    socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    linger(socket);
  } else if (response.headersSent) {
    socket.destroy(); // in the middle of an answer there is no place for another
  } else {
    // Whoever reads the body would wait for ever: Node has forgotten a request that was answered.
    socket.once("close", () => response.req.destroy());
    // With what was set on it already: without CORS headers a page could not see the refusal.
    response.writeHead(Number.parseInt(status), { Connection: "close", "Content-Length": 0 }).end();
  }
}

/** Behind the answers to what was asked before on this connection: the first of them would be taken for it. */
function refuseTunnel(socket: Socket, before: ServerResponse | undefined): void {
  socket.on("error", () => undefined); // Node no longer listens, and the client may be gone by then
  const answer = (): void => {
    if (socket.writable) refuse(socket, undefined, "405 Method Not Allowed");
  };
  if (before === undefined || before.writableFinished) answer();
  else before.once("close", answer);
}

function linger(socket: Socket): void {
  if (socket.destroyed) return;
  const destroy = (): void => void socket.destroy();
  const timer = setTimeout(destroy, lingerMs);
  socket.once("close", () => clearTimeout(timer));
  socket.on("error", () => undefined); // the client has cut it: there is nothing to wait for
  // Nothing of what comes is a request any more.
  socket.removeAllListeners("data").removeAllListeners("end");
  socket.once("end", destroy).on("data", () => undefined);
  socket.end();
  socket.resume();
}
