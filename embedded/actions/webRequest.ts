/** From Node's request to the `Request` a function gets. */
import type { IncomingMessage } from "node:http";

/**
 * `signal` is to be aborted when the client goes away before the response has been sent. `body` has been read.
 * @throws TypeError for what can be sent but is no `Request` on the web: TRACE, a URL that is none or holds a password.
 */
export function toWebRequest(
  incoming: IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Request {
  const method = incoming.method ?? "GET";
  const hasBody = method !== "GET" && method !== "HEAD" && announcesBody(incoming);
  return new Request(requestUrl(incoming), {
    method,
    headers: requestHeaders(incoming),
    signal,
    ...(hasBody ? { body } : {}),
  });
}

/** Whether the client still has something to say: the connection cannot be used for another request then. */
export function isUnread(incoming: IncomingMessage): boolean {
  return announcesBody(incoming) && !incoming.readableEnded;
}

function announcesBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

function requestUrl({ headers, url = "/", socket }: IncomingMessage): string {
  const origin = `http://${headers.host ?? `${socket.localAddress}:${socket.localPort}`}`;
  // A request line may name a whole URL, or two slashes that would be taken for a host.
  const path = url.startsWith("/") ? url : pathOf(new URL(url, origin));
  return URL.canParse(origin + path) ? origin + path : `http://localhost${path}`;
}

function pathOf({ pathname, search }: URL): string {
  return pathname + search;
}

function requestHeaders({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index]!, rawHeaders[index + 1]!);
  return headers;
}
