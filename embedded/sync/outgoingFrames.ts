/**
 * What one socket sends, in the main thread. Large transitions go in pieces, as on Convex: a client gives up after 60 s
 * without a whole message. A client that reads slower than it is told is not buffered for: the engine is told that it is
 * behind, and tells it no more before it has caught up, and then only the newest state.
 */
import { WebSocket } from "ws";

/** Of a frame, in UTF-16 units. Convex cuts at 5 MB; smaller pieces let slower links through. */
const maxFrameLength = 1_000_000;
/** With this much unread a client is behind. */
const behindAtBytes = 1_000_000;
/** Answers and heartbeats are not held back. A client that leaves this much of them unread is cut off. */
const maxUnreadAnswers = 32 * 1024 * 1024;

const transitionStart = '{"type":"Transition",';

export interface OutgoingOptions {
  socket: WebSocket;
  /** The client puts pieces together (convex 1.28 and later). */
  takesChunks: boolean;
  onBehind: (isBehind: boolean) => void;
}

export class OutgoingFrames {
  readonly #options: OutgoingOptions;
  #unreadAnswers = 0;
  #isBehind = false;
  #hasProgressed = true;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  send(frame: string): void {
    const { socket, takesChunks } = this.#options;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (frame.startsWith(transitionStart)) {
      const pieces = takesChunks && frame.length > maxFrameLength ? chunksOf(frame) : [frame];
      for (const piece of pieces) socket.send(piece, () => this.#left());
    } else this.#answer(frame);
    this.#look();
  }

  /** Whether anything has left since this was last asked. */
  takeProgress(): boolean {
    const hasProgressed = this.#hasProgressed;
    this.#hasProgressed = false;
    return hasProgressed;
  }

  #answer(frame: string): void {
    const { socket } = this.#options;
    this.#unreadAnswers += frame.length;
    if (this.#unreadAnswers > maxUnreadAnswers) {
      socket.terminate();
      return;
    }
    socket.send(frame, () => {
      this.#unreadAnswers -= frame.length;
      this.#left();
    });
  }

  #left(): void {
    this.#hasProgressed = true;
    this.#look();
  }

  #look(): void {
    const { socket, onBehind } = this.#options;
    const isBehind = socket.bufferedAmount > behindAtBytes;
    if (isBehind === this.#isBehind || socket.readyState !== WebSocket.OPEN) return;
    this.#isBehind = isBehind;
    onBehind(isBehind);
  }
}

/** Frames of the type TransitionChunk; their texts together are the frame. */
export function chunksOf(frame: string): string[] {
  const texts: string[] = [];
  for (let start = 0; start < frame.length;) {
    let end = Math.min(start + maxFrameLength, frame.length);
    // A piece that ends inside a surrogate pair would lose it on the way through UTF-8.
    if (end < frame.length && isHighSurrogate(frame.charCodeAt(end - 1))) end -= 1;
    texts.push(frame.slice(start, end));
    start = end;
  }
  const transitionId = String(frame.length);
  return texts.map((chunk, partNumber) =>
    JSON.stringify({ type: "TransitionChunk", chunk, partNumber, totalParts: texts.length, transitionId }),
  );
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
