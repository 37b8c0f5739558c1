/** The body of a driver's HTTP response as a sink: server-sent events, or the plain text of the tokens. */
import type { StreamEvent, Turn } from "../shared/streamEvents.ts";
import type { ReplySink } from "./replySink.ts";

/** Bytes that may wait for a slow client before it is left to read the database. */
const maxQueuedBytes = 256 * 1024;

/** Convex drops what an HTTP response has beyond 20 MiB; the body ends before, without verdict. */
const maxBodyBytes = 16 * 1024 * 1024;

export interface BodyFormat {
  contentType: string;
  /** What an event becomes in the body: "" for nothing, null for what it has no way to say, which breaks the body off. */
  event(event: StreamEvent, id: string): string | null;
  ping: string;
  /** Whether a reader of this format takes the plain end of the body for the end of the reply. */
  endMeansDone: boolean;
}

export const sseFormat: BodyFormat = {
  contentType: "text/event-stream; charset=utf-8",
  event: (event, id) => `event: ${event.kind}\nid: ${id}\ndata: ${JSON.stringify(event)}\n\n`,
  ping: ": ping\n\n",
  endMeansDone: false,
};

/** For a request that itself began the turn: the first event says which. */
export function sseFormatOfTurn(turn: Turn): BodyFormat {
  return {
    ...sseFormat,
    event: (event, id) => sseFormat.event(event.kind === "start" ? { ...event, turn } : event, id),
  };
}

/**
 * `alreadyPersisted` is the beginning of a reply that is taken over, which a reader of plain text would miss; null for
 * one that is too long to be given, so that the reader is sent to the database.
 */
export function plainTextFormat(alreadyPersisted: string | null): BodyFormat {
  return {
    contentType: "text/plain; charset=utf-8",
    event: (event) => {
      switch (event.kind) {
        case "start":
          return alreadyPersisted;
        case "text":
          return event.text;
        case "reasoning":
        case "error":
        case "done":
          return "";
        default:
          return event satisfies never;
      }
    },
    ping: "",
    endMeansDone: true,
  };
}

export class BodySink implements ReplySink {
  readonly body: ReadableStream<Uint8Array>;
  private readonly format: BodyFormat;
  private readonly attempt: number;
  private readonly encoder = new TextEncoder();
  /** Null once the body has ended or its client is gone. */
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  private sentEvents = 0;
  private sentBytes = 0;
  private isDone = false;

  constructor(format: BodyFormat, attempt: number) {
    this.format = format;
    this.attempt = attempt;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.controller = controller;
        },
        cancel: () => {
          this.controller = null;
        },
      },
      { highWaterMark: maxQueuedBytes, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  send(event: StreamEvent): void {
    this.isDone ||= event.kind === "done";
    this.write(this.format.event(event, `${this.attempt}.${this.sentEvents}`));
    this.sentEvents += 1;
  }

  ping(): void {
    this.write(this.format.ping);
  }

  close(): void {
    const controller = this.controller;
    this.controller = null;
    if (controller === null) {
      return;
    }
    try {
      if (this.format.endMeansDone && !this.isDone) {
        controller.error(new Error("The reply broke off here; what there is of it is in the database."));
      } else {
        controller.close();
      }
    } catch {
      // The platform has ended the body without saying so. Nobody reads it, and the reply goes on.
    }
  }

  private write(text: string | null): void {
    if (text === null) {
      this.close();
      return;
    }
    if (this.controller === null || text === "") {
      return;
    }
    const chunk = this.encoder.encode(text);
    const room = this.controller.desiredSize ?? 0;
    this.sentBytes += chunk.byteLength;
    if (room <= 0 || this.sentBytes > maxBodyBytes) {
      this.close();
      return;
    }
    try {
      this.controller.enqueue(chunk);
    } catch {
      // As in `close`: the platform has ended the body.
      this.controller = null;
    }
  }
}
