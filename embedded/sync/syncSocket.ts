/** One WebSocket of the sync protocol, in the main thread: its frames to the engine and back, and whether it still lives. */
import type { WebSocket } from "ws";
import type { AdminKey } from "../auth/adminKey.ts";
import type { EngineClient } from "../engineClient.ts";
import { asDeploymentError } from "../protocol/deploymentError.ts";
import { decodeClientMessage } from "./decodeClientMessage.ts";
import { OutgoingFrames } from "./outgoingFrames.ts";

/** As on Convex, a peer that neither reads nor answers for two minutes has vanished without a word (sleep, cable). */
const maxSilentChecks = 4;
/** With as many mutations waiting for their answers a socket is not read any more, until half of them are answered. */
const maxPendingMutations = 1000;
/** Nor with so much waiting for its session, in UTF-16 units: it would pile up between the threads. */
const maxWaitingLength = 1024 * 1024;
/** With so much unread, pings are not answered. */
const maxUnreadPongs = 64 * 1024;
const mutationResponse = '{"type":"MutationResponse"';

/** RFC 6455, 7.4.1. */
const policyViolation = 1008;

export interface SyncSocketOptions {
  socketId: number;
  webSocket: WebSocket;
  takesChunks: boolean;
  engine: EngineClient;
  adminKey: AdminKey;
}

export class SyncSocket {
  readonly #options: SyncSocketOptions;
  readonly #outgoing: OutgoingFrames;
  /** Liveness checks since a sign of life. */
  #silentChecks = 0;
  #pendingMutations = 0;
  #isStopping = false;
  /** Of frames that the session has not taken yet. */
  #waitingLength = 0;

  constructor(options: SyncSocketOptions) {
    const { socketId, webSocket, takesChunks, engine } = options;
    this.#options = options;
    this.#outgoing = new OutgoingFrames({
      socket: webSocket,
      takesChunks,
      onBehind: (isBehind) => engine.tellSocketEvent({ kind: "socketBehind", socketId, isBehind }),
    });
    webSocket.on("message", (data, isBinary) => {
      this.#silentChecks = 0;
      if (this.#isStopping) return;
      if (isBinary) this.close(policyViolation, "BinaryFrame");
      else this.#receive((data as Buffer).toString("utf8"));
    });
    webSocket.on("ping", (data) => {
      if (webSocket.bufferedAmount <= maxUnreadPongs) webSocket.pong(data);
    });
    webSocket.on("pong", () => (this.#silentChecks = 0));
    // "close" follows and says all there is to say.
    webSocket.on("error", () => undefined);
  }

  send(frame: string): void {
    this.#outgoing.send(frame);
    if (!frame.startsWith(mutationResponse)) return;
    this.#pendingMutations -= 1;
    this.#readOn();
  }

  /** The session has taken so much of what came. */
  taken(length: number): void {
    this.#waitingLength -= length;
    this.#readOn();
  }

  close(code: number, reason: string): void {
    const { webSocket } = this.#options;
    // Or the peer's part of the closing handshake would not be read.
    if (webSocket.isPaused) webSocket.resume();
    webSocket.close(code, reason);
  }

  /** What it receives from now on is dropped. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Asks for a sign of life, and ends a socket that has given none for too long. */
  check(): void {
    const { webSocket } = this.#options;
    if (this.#outgoing.takeProgress()) this.#silentChecks = 0;
    if (this.#silentChecks >= maxSilentChecks) webSocket.terminate();
    this.#silentChecks += 1;
    webSocket.ping();
  }

  #readOn(): void {
    const { webSocket } = this.#options;
    const hasRoom =
      this.#pendingMutations <= maxPendingMutations / 2 && this.#waitingLength <= maxWaitingLength / 2;
    if (webSocket.isPaused && hasRoom) webSocket.resume();
  }

  #receive(frame: string): void {
    const { socketId, webSocket, engine, adminKey } = this.#options;
    try {
      const message = decodeClientMessage(frame, adminKey);
      engine.tellSocketEvent({ kind: "socketMessage", socketId, message, frameLength: frame.length });
      this.#waitingLength += frame.length;
      if (message.type === "Mutation") this.#pendingMutations += 1;
      if (this.#pendingMutations >= maxPendingMutations || this.#waitingLength >= maxWaitingLength)
        webSocket.pause();
    } catch (thrown) {
      const error = asDeploymentError(thrown);
      this.send(JSON.stringify({ type: "FatalError", error: `${error.code}: ${error.message}` }));
      this.close(policyViolation, error.code);
    }
  }
}
