/**
 * Bytes over a sync WebSocket, and everything that comes back. Behind them goes a mutation of good will: whatever was sent,
 * either the session goes on, and then all that was asked is answered, or it is ended with a reason.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connectionTo } from "./attacks.ts";
import { frame, opcodes } from "./badFrames.ts";
import { ServerFrames, type ServerMessage } from "./serverFrames.ts";

/** Requests to which no other one is sent. */
const probeRequestId = 77_777_777;
const normalClosure = Buffer.from([0x03, 0xe8]);

export interface SyncOutcome {
  /** null: the connection ended without a close frame. */
  closeCode: number | null;
  /** How often a message of each type came, pieces of transitions as what they are. */
  told: Record<string, number>;
  /** The mutation behind the attack, and all that was asked before it, was answered. */
  isHeard: boolean;
  /** What is against the protocol, in sentences. */
  faults: string[];
}

/** Messages in a row, each a frame of its own. */
export async function attackSession(url: string, messages: readonly Buffer[]): Promise<SyncOutcome> {
  const texts = [...messages, probe];
  const expected = expectationsOf(texts);
  const bytes = Buffer.concat(texts.map((text) => frame(opcodes.text, text)));
  const outcome = await attackSync(url, bytes, (messages) => isAnswered(messages, expected));
  return { ...outcome, faults: [...outcome.faults, ...unexplainedEnd(outcome)] };
}

/** Bytes that may be no frames, behind which nothing is sure to be understood: the connection ends with them. */
export async function attackFraming(url: string, bytes: Buffer): Promise<SyncOutcome> {
  return await attackSync(url, bytes, () => true);
}

/** Whoever is ended is told why before. What is not UTF-8 the close code names. */
function unexplainedEnd({ isHeard, closeCode, told }: SyncOutcome): string[] {
  const isExplained =
    isHeard ||
    (closeCode === 1008 && told["FatalError"] === 1) ||
    (closeCode === 1000 && told["AuthError"] === 1) ||
    closeCode === 1007;
  return isExplained ? [] : [`ended with ${closeCode} and ${JSON.stringify(told)}`];
}

const probe = Buffer.from(
  JSON.stringify({
    type: "Mutation",
    requestId: probeRequestId,
    udfPath: "notes:add",
    args: [{ board: "bad", text: "the end" }],
  }),
);

/** Says what it has to say, and closes as RFC 6455 has it once `isEnough`. */
async function attackSync(
  url: string,
  bytes: Buffer,
  isEnough: (messages: readonly ServerMessage[]) => boolean,
): Promise<SyncOutcome> {
  const { socket, received, ended } = connectionTo(url);
  socket.write(upgradeRequest);
  const arrival = (): Promise<unknown> => Promise.race([once(socket, "data"), ended]);
  while (!received().includes("\r\n\r\n") && !socket.destroyed) await arrival();
  const from = new ServerFrames(received().subarray(received().indexOf("\r\n\r\n") + 4));
  socket.on("data", (chunk: Buffer) => from.push(chunk));
  socket.write(bytes);
  while (!isEnough(from.messages) && !socket.destroyed && !from.isClosed) await arrival();
  const isHeard = isEnough(from.messages);
  socket.end(frame(opcodes.close, normalClosure));
  const isHung = (await ended) === "hang";
  return outcomeOf(from, isHeard, isHung);
}

function outcomeOf(from: ServerFrames, isHeard: boolean, isHung: boolean): SyncOutcome {
  const { closeCode, messages } = from;
  const told: Record<string, number> = {};
  for (const { type } of messages) told[type] = (told[type] ?? 0) + 1;
  const faults = [...from.faults];
  if (isHung) faults.push("the connection hangs");
  if (closeCode === 1011) faults.push("the session was broken off");
  if (told["FatalError"] !== undefined && closeCode !== 1008)
    faults.push("a fatal error does not end the session");
  return { closeCode, told, isHeard, faults };
}

interface Expectations {
  /** Of mutations and actions, by request id. */
  requests: Map<number, number>;
  querySet: number;
  identity: number;
}

/** Where nothing ends the session, all messages are well formed and each has its answer. */
function expectationsOf(texts: readonly Buffer[]): Expectations {
  const expected: Expectations = { requests: new Map(), querySet: 0, identity: 0 };
  for (const text of texts) {
    const message = parsed(text);
    switch (message?.["type"]) {
      case "Mutation":
      case "Action": {
        const requestId = message["requestId"] as number;
        expected.requests.set(requestId, (expected.requests.get(requestId) ?? 0) + 1);
        break;
      }
      case "ModifyQuerySet":
        expected.querySet = message["newVersion"] as number;
        break;
      case "Authenticate":
        expected.identity += 1;
        break;
      default:
        break; // Connect and Event have no answer
    }
  }
  return expected;
}

function isAnswered(
  messages: readonly ServerMessage[],
  { requests, querySet, identity }: Expectations,
): boolean {
  const responses = messages.filter(({ type }) => type === "MutationResponse" || type === "ActionResponse");
  const reached = messages.findLast(({ type }) => type === "Transition")?.endVersion;
  return (
    [...requests].every(
      ([id, count]) => responses.filter(({ requestId }) => requestId === id).length === count,
    ) &&
    reached?.querySet === querySet &&
    reached.identity === identity
  );
}

function parsed(text: Buffer): Record<string, unknown> | null {
  try {
    return JSON.parse(text.toString("utf8")) as Record<string, unknown> | null;
  } catch {
    return null; // it ends the session
  }
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
