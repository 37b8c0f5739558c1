/** From the `Response` a function returned to the socket: the head at once, each chunk of the body as it comes. */
import type { ServerResponse } from "node:http";
import type { ResponseBacklog } from "./responseBacklog.ts";
import { isLeftUnread } from "./siteRequestBody.ts";

export interface SendOptions {
  withBody: boolean;
  /** What exceeds it is dropped, as on Convex. */
  maxBytes: number;
  backlog: ResponseBacklog;
  onSent(bytes: number): void;
  /** Called once, with a sentence for the log. */
  onLimit(text: string): void;
}

/**
 * Resolves when the body has ended, also when nobody reads it any more; rejects when the body does.
 *
 * There is no back-pressure on purpose: a slow or vanished client must not hold up the function. `maxBytes` bounds what one
 * response can pile up, the backlog what all can.
 */
export async function sendResponse(
  response: Response,
  outgoing: ServerResponse,
  options: SendOptions,
): Promise<void> {
  writeHead(response, outgoing);
  const announced = announcedBytes(response);
  let sent = 0;
  if (response.body && options.withBody) sent = await sendBody(response.body, outgoing, announced, options);
  else await response.body?.cancel();
  // A client that was told of more would wait for it, on a connection that never has it.
  if (options.withBody && announced !== null && sent < announced) outgoing.socket?.destroySoon();
  else if (!outgoing.destroyed) outgoing.end();
}

/** What the function itself says the body's length is; null when it does not, or where no body belongs. */
function announcedBytes({ headers, status }: Response): number | null {
  const length = headers.get("content-length");
  return length !== null && /^\d+$/.test(length) && status !== 304 ? Number(length) : null;
}

/** @returns how many bytes were sent. */
async function sendBody(
  body: ReadableStream<unknown>,
  outgoing: ServerResponse,
  announced: number | null,
  options: SendOptions,
): Promise<number> {
  outgoing.flushHeaders();
  const reader = body.getReader();
  let sent = 0;
  let isFull = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return sent;
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(
        "The body of a Response must be a stream of Uint8Array. Encode text with a TextEncoder.",
      );
    }
    if (isFull) continue;
    if (sent + value.byteLength > options.maxBytes) {
      isFull = true;
      options.onLimit(
        `HttpResponseTooLarge: HTTP actions support responses up to ${binarySize(options.maxBytes)}`,
      );
      continue;
    }
    // A copy, as the function may write to its own memory again; and no more than the client was told of.
    const chunk = value.slice(0, announced === null ? undefined : announced - sent);
    sent += chunk.byteLength;
    options.onSent(chunk.byteLength);
    options.backlog.write(outgoing, chunk);
  }
}

/** Cookies are several headers; how the body is framed is the server's affair. */
const separateHeaders = new Set(["set-cookie", "transfer-encoding"]);

/** The client is gone, or what it sent after its head was no HTTP and it has been told. */
export function isOver(outgoing: ServerResponse): boolean {
  return outgoing.destroyed || outgoing.headersSent;
}

function writeHead(response: Response, outgoing: ServerResponse): void {
  if (isOver(outgoing)) return;
  outgoing.statusCode = response.status;
  if (response.statusText) outgoing.statusMessage = response.statusText;
  for (const [name, value] of response.headers)
    if (!separateHeaders.has(name)) outgoing.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (isLeftUnread(outgoing.req)) outgoing.setHeader("connection", "close");
}

function binarySize(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return mebibytes >= 1 ? `${mebibytes} MiB` : `${bytes} B`;
}

export function sendText(
  outgoing: ServerResponse,
  status: number,
  text: string,
  contentType = "text/plain",
): void {
  if (isOver(outgoing)) return;
  if (isLeftUnread(outgoing.req)) outgoing.setHeader("connection", "close");
  outgoing.writeHead(status, {
    "content-type": `${contentType};charset=utf-8`,
    "content-length": Buffer.byteLength(text),
  });
  outgoing.end(text);
}
