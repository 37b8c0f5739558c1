/**
 * The body of a request at the site port, as its HTTP action reads it: while it is being sent, no faster than it is read, and
 * only up to the limits. A sender who breaks one gets an error into the stream; an action that ends with it is answered for by
 * the refusal.
 */
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { bodyChunks } from "../http/bodyChunks.ts";
import { expectsContinue } from "../http/expectContinue.ts";
import type { ActionLimits } from "./threadMessages.ts";

export interface BodyRefusal {
  httpStatus: 408 | 413;
  sentence: string;
}

type BodyLimits = Pick<ActionLimits, "maxRequestBytes" | "maxBodyIdleMs" | "maxBodyWaitMs">;

/** What Node reads away by itself when an action leaves it unread, so that the connection can be kept. */
const maxDiscardedBytes = 64 * 1024;

/** A sender of more pieces than these, smaller than this on average, is read in larger ones. */
const fewPieces = 1_000;
const crumbBytes = 256;
const crumbPauseMs = 10;

export class SiteRequestBody {
  /** null where there is none, or where Convex hands none over. */
  readonly stream: ReadableStream<Uint8Array> | null;
  readonly #incoming: IncomingMessage;
  readonly #limits: BodyLimits;
  #refusal: BodyRefusal | null = null;
  #chunks: AsyncGenerator<Buffer, void> | null = null;
  #size = 0;
  #pieces = 0;

  /** @param onFirstRead - Called before the first byte is asked for, when somebody asks. */
  constructor(incoming: IncomingMessage, limits: BodyLimits, onFirstRead: () => void) {
    this.#incoming = incoming;
    this.#limits = limits;
    // `error` is followed by `close`, which says all there is to say to who does not read.
    incoming.on("error", () => undefined);
    const announced = announcedBytes(incoming);
    if (announced !== null && announced > limits.maxRequestBytes)
      this.#refuse(tooLarge(limits.maxRequestBytes));
    this.stream = isBodyHandedOver(incoming) ? this.#open(onFirstRead) : null;
  }

  /** Why it was not taken whole; already at the start when it says that it is too large. */
  get refusal(): BodyRefusal | null {
    return this.#refusal;
  }

  /** Nobody reads it any more: what still comes is read away, so that the connection can serve its next request. */
  discard(): void {
    // The reader lets go of it in steps of its own.
    void this.#chunks?.return().then(() => setImmediate(() => this.#incoming.resume()));
  }

  #open(onFirstRead: () => void): ReadableStream<Uint8Array> {
    // Nothing is read ahead: memory is the function's affair, and what it does not read stays with the sender.
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          if (this.#chunks === null) onFirstRead();
          this.#chunks ??= this.#receive();
          if (this.#isCrumbled) await sleep(crumbPauseMs);
          const { done, value } = await this.#chunks.next();
          if (done === true) controller.close();
          else controller.enqueue(this.#counted(value));
        },
      },
      { highWaterMark: 0 },
    );
  }

  #receive(): AsyncGenerator<Buffer, void> {
    const { maxBodyIdleMs, maxBodyWaitMs } = this.#limits;
    return bodyChunks(
      this.#incoming,
      { maxIdleMs: maxBodyIdleMs, maxWaitMs: maxBodyWaitMs },
      (waitedMs) => this.#refuse(tooSlow(waitedMs)),
      (cause) => new Error("The client went away before its request was complete.", { cause }),
    );
  }

  /** Each piece costs hundreds of bytes for as long as the function keeps it: crumbs are left to gather before they are read. */
  get #isCrumbled(): boolean {
    return this.#pieces > fewPieces && this.#size / this.#pieces < crumbBytes;
  }

  /** A copy: Node's own bytes may share their memory with those of other requests. */
  #counted(chunk: Buffer): Uint8Array {
    this.#size += chunk.length;
    this.#pieces++;
    const { maxRequestBytes } = this.#limits;
    if (this.#size > maxRequestBytes) throw this.#refuse(tooLarge(maxRequestBytes));
    return new Uint8Array(chunk);
  }

  #refuse(refusal: BodyRefusal): Error {
    this.#refusal = refusal;
    return new Error(refusal.sentence);
  }
}

/** Whether what the client still has to say is too much to be read away: the connection ends with the answer then. */
export function isLeftUnread(incoming: IncomingMessage): boolean {
  if (incoming.readableEnded || !announcesBody(incoming)) return false;
  return expectsContinue(incoming) || (announcedBytes(incoming) ?? Infinity) > maxDiscardedBytes;
}

function isBodyHandedOver(incoming: IncomingMessage): boolean {
  return !["GET", "HEAD", "OPTIONS"].includes(incoming.method ?? "GET") && announcesBody(incoming);
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** null when it does not say. */
function announcedBytes({ headers }: IncomingMessage): number | null {
  return headers["transfer-encoding"] === undefined ? Number(headers["content-length"] ?? 0) : null;
}

function tooLarge(maxRequestBytes: number): BodyRefusal {
  const sentence = `The body of this request is larger than ${maxRequestBytes} bytes, the limit of HTTP actions.`;
  return { httpStatus: 413, sentence };
}

function tooSlow(waitedMs: number): BodyRefusal {
  return {
    httpStatus: 408,
    sentence: `The body of this request made no progress for ${Math.round(waitedMs)} ms.`,
  };
}
