/** Bytes to a port, and what comes back: a status, a close code, or nothing but the end of the connection. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { frame, opcodes } from "./badFrames.ts";

/** Nothing that is sent here takes this long: who is not answered by then has found a hang. */
const hangMs = 30_000;

/** A request without an end waits for the rest of it: by then we say that there is none. */
const restMs = 10_000;

export type Answer =
  | { kind: "status"; status: number }
  /** An HTTP request was not answered. */
  | { kind: "silence" }
  /** A WebSocket was closed; null: without a close frame. */
  | { kind: "closed"; code: number | null }
  | { kind: "hang" };

/**
 * Sends a request and nothing more, and reads to the end of the connection. Our side of it stays open meanwhile: an
 * HTTP server that sees it end drops what it is at.
 */
export async function attackHttp(url: string, bytes: Buffer | string): Promise<Answer> {
  const { socket, received, ended } = open(url);
  socket.write(bytes);
  const noRest = setTimeout(() => socket.end(), restMs);
  const end = await ended;
  clearTimeout(noRest);
  if (end === "hang") return { kind: "hang" };
  const statuses = Array.from(
    received()
      .toString("latin1")
      .matchAll(/^HTTP\/1\.1 (\d{3})/gm),
    ([, status]) => Number(status),
  );
  const status = statuses.find((status) => status >= 200);
  return status === undefined ? { kind: "silence" } : { kind: "status", status };
}

/** Sends bytes over an open sync WebSocket, then closes it as RFC 6455 has it. */
export async function attackSync(url: string, bytes: Buffer): Promise<Answer> {
  const { socket, received, ended } = open(url);
  socket.write(upgradeRequest);
  while (!received().includes("\r\n\r\n") && !socket.destroyed)
    await Promise.race([once(socket, "data"), ended]);
  const head = received().indexOf("\r\n\r\n") + 4;
  socket.write(bytes);
  socket.end(frame(opcodes.close, Buffer.from([0x03, 0xe8])));
  if ((await ended) === "hang") return { kind: "hang" };
  return { kind: "closed", code: closeCode(received().subarray(head)) };
}

export const upgradeRequest = [
  "GET /api/1.48.0/sync HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
  "\r\n",
].join("\r\n");

/** An open sync WebSocket whose bytes the caller writes; nothing is read from it before somebody listens. */
export async function openRawSync(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => undefined); // the server may cut it
  socket.write(upgradeRequest);
  await once(socket, "readable");
  return socket;
}

/** Whether a request was left without an answer that had its end: only one in chunks may have none. */
export function isIgnored(answer: Answer, bytes: Buffer | string): boolean {
  return answer.kind === "silence" && !bytes.includes("Transfer-Encoding");
}

/** What a deployment in good health does not answer to whatever it was sent. */
export function isFault(answer: Answer): boolean {
  switch (answer.kind) {
    case "status":
      return answer.status >= 500;
    case "closed":
      return answer.code === 1011;
    case "silence":
      return false;
    case "hang":
      return true;
    default:
      return answer satisfies never;
  }
}

function open(url: string): { socket: Socket; received: () => Buffer; ended: Promise<"end" | "hang"> } {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("end", () => socket.end());
  socket.on("error", () => undefined); // a reset ends the connection, too
  const ended = new Promise<"end" | "hang">((resolve) => {
    const hang = setTimeout(() => {
      resolve("hang");
      socket.destroy();
    }, hangMs);
    socket.on("close", () => {
      clearTimeout(hang);
      resolve("end");
    });
  });
  return { socket, received: () => Buffer.concat(chunks), ended };
}

/** Of the server's frames, which are not masked. */
function closeCode(bytes: Buffer): number | null {
  for (let at = 0; at + 2 <= bytes.length;) {
    const opcode = bytes[at]! & 0x0f;
    const short = bytes[at + 1]! & 0x7f;
    const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + headLength > bytes.length) return null;
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    if (opcode === opcodes.close) return length >= 2 ? bytes.readUInt16BE(at + headLength) : null;
    at += headLength + length;
  }
  return null;
}
