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
  if (response.body && options.withBody) await sendBody(response.body, outgoing, options);
  else await response.body?.cancel();
  if (!outgoing.destroyed) outgoing.end();
}

async function sendBody(
  body: ReadableStream<unknown>,
  outgoing: ServerResponse,
  options: SendOptions,
): Promise<void> {
  outgoing.flushHeaders();
  const reader = body.getReader();
  let bytes = 0;
  let isFull = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(
        "The body of a Response must be a stream of Uint8Array. Encode text with a TextEncoder.",
      );
    }
    if (isFull) continue;
    if (bytes + value.byteLength > options.maxBytes) {
      isFull = true;
      options.onLimit(
        `HttpResponseTooLarge: HTTP actions support responses up to ${binarySize(options.maxBytes)}`,
      );
      continue;
    }
    bytes += value.byteLength;
    options.onSent(value.byteLength);
    // The chunk is the function's own memory, which it may write to again before the socket has taken it.
    options.backlog.write(outgoing, value.slice());
  }
}

/** Cookies are several headers; how the body is framed is the server's affair. */
const separateHeaders = new Set(["set-cookie", "transfer-encoding"]);

function writeHead(response: Response, outgoing: ServerResponse): void {
  if (outgoing.destroyed) return;
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
  if (outgoing.destroyed) return;
  if (isLeftUnread(outgoing.req)) outgoing.setHeader("connection", "close");
  outgoing.writeHead(status, {
    "content-type": `${contentType};charset=utf-8`,
    "content-length": Buffer.byteLength(text),
  });
  outgoing.end(text);
}
