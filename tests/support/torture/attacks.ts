/** Bytes to a port over HTTP, and what comes back: answers, or nothing but the end of the connection. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as others } from "node:timers/promises";
import { answersIn, type HttpAnswer } from "./httpAnswers.ts";

/** Nothing that is sent here takes this long, on a busy machine neither: who is not answered by then has found a hang. */
const hangMs = 120_000;

/** What may have no end is waited for so long, and then we say that there is none. */
const restMs = 1_000;

export type Answer =
  | { kind: "status"; status: number }
  /** An HTTP request was not answered. */
  | { kind: "silence" }
  | { kind: "hang" };

/**
 * Sends a request and nothing more, and reads to the end of the connection. Our side of it stays open meanwhile: an
 * HTTP server that sees it end drops what it is at.
 */
export async function attackHttp(url: string, bytes: Buffer | string): Promise<Answer> {
  const { socket, received, ended } = connectionTo(url);
  socket.write(bytes);
  const noRest = mayLackItsEnd(bytes) ? setTimeout(() => socket.end(), restMs) : undefined;
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

/** One in chunks may, and so may what is no request. */
function mayLackItsEnd(bytes: Buffer | string): boolean {
  if (bytes.includes("Transfer-Encoding")) return bytes.lastIndexOf("\r\n0\r\n\r\n") !== bytes.length - 7;
  return !bytes.includes("Content-Length");
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
    case "silence":
      return false;
    case "hang":
      return true;
    default:
      return answer satisfies never;
  }
}

/** What is sent one after another; `null` waits until the server asks for the body of the request before it, or answers that. */
export type TrainStep = Buffer | null;

interface Train {
  steps: readonly TrainStep[];
  requests: readonly { method: string }[];
  isCut: boolean;
}

/** Sends requests behind each other over one connection. Undefined where it hangs. */
export async function sendTrain(
  url: string,
  { steps, requests, isCut }: Train,
): Promise<HttpAnswer[] | undefined> {
  const { socket, received, ended } = connectionTo(url);
  const methods = requests.map(({ method }) => method);
  let asked = 0;
  for (const step of steps) {
    if (socket.destroyed || socket.writableEnded) break;
    if (step === null) {
      asked += 1;
      const isAnswered = (): boolean => {
        const { answers, continues } = answersIn(received(), methods);
        return continues >= asked || answers.some(({ closes }) => closes) || socket.destroyed;
      };
      while (!isAnswered()) await Promise.race([once(socket, "data"), ended]);
    } else {
      socket.write(step);
      await others();
    }
  }
  if (isCut) socket.end();
  if ((await ended) === "hang") return undefined;
  return answersIn(received(), methods).answers;
}

export interface Connection {
  socket: Socket;
  received: () => Buffer;
  ended: Promise<"end" | "hang">;
}

/** Our side of it is ended when the server has ended its own. */
export function connectionTo(url: string): Connection {
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
