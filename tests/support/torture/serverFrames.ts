/** The frames that a server sends over a WebSocket, as they come: neither masked nor compressed nor cut in pieces. */
import { opcodes } from "./badFrames.ts";

/** A message of the sync protocol, as far as an attacker looks into it. */
export interface ServerMessage {
  type: string;
  requestId?: number;
  endVersion?: { querySet: number; identity: number };
}

export class ServerFrames {
  readonly messages: ServerMessage[] = [];
  /** Of the close frame; null before there is one, and for one without a code. */
  closeCode: number | null = null;
  isClosed = false;
  /** In sentences. */
  readonly faults: string[] = [];
  #rest: Buffer;

  constructor(bytes: Buffer) {
    this.#rest = bytes;
    this.push(Buffer.alloc(0));
  }

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (let frame = this.#next(); frame !== null; frame = this.#next())
      this.#take(frame.opcode, frame.payload);
  }

  #next(): { opcode: number; payload: Buffer } | null {
    const bytes = this.#rest;
    if (bytes.length < 2) return null;
    const short = bytes[1]! & 0x7f;
    const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < headLength) return null;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < headLength + length) return null;
    this.#rest = bytes.subarray(headLength + length);
    return { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(headLength, headLength + length) };
  }

  #take(opcode: number, payload: Buffer): void {
    if (this.isClosed) this.faults.push("something follows the close frame");
    if (opcode === opcodes.text) this.#hear(payload.toString("utf8"));
    if (opcode !== opcodes.close) return;
    this.isClosed = true;
    this.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : null;
  }

  /** Of whatever is said, JSON is the least. */
  #hear(text: string): void {
    try {
      this.messages.push(JSON.parse(text) as ServerMessage);
    } catch (error) {
      this.faults.push(`${String(error)}: ${text.slice(0, 600)}`);
    }
  }
}
