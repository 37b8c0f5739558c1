/** From Node's request to the `Request` a function gets. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/**
 * `signal` is to be aborted when the client goes away before the response has been sent.
 * @throws TypeError for what can be sent but is no `Request` on the web: TRACE, a URL that is none or holds a password.
 */
export function toWebRequest(
  incoming: IncomingMessage,
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): Request {
  // A stream as a body needs `duplex: "half"` in Node, which the types of the web do not know.
  const init: RequestInit & { duplex: "half" } = {
    method: incoming.method ?? "GET",
    headers: requestHeaders(incoming),
    signal,
    body,
    duplex: "half",
  };
  return new Request(requestUrl(incoming), init);
}

function requestUrl({ headers, url = "/", socket }: IncomingMessage): string {
  const host = headers.host || `${socket.localAddress}:${socket.localPort}`;
  // No more than the origin: anybody may write a path there, which would be served instead of the request's own.
  const authority = URL.parse(`${schemeOf(headers)}://${host}`);
  if (authority?.username || authority?.password) throw new TypeError("A host with a password is none.");
  const origin = authority?.origin ?? "http://localhost";
  // A request line may name a whole URL, or two slashes that would be taken for a host.
  return origin + (url.startsWith("/") ? url : pathOf(new URL(url, origin)));
}

/** TLS ends before this server: what the client spoke is what the proxy says. */
function schemeOf({ forwarded, "x-forwarded-proto": proto }: IncomingHttpHeaders): "http" | "https" {
  const first = /(?:^|;)\s*proto="?([a-z]+)/i.exec(forwarded?.split(",")[0] ?? "")?.[1];
  const said = typeof proto === "string" ? proto.split(",")[0]?.trim() : first;
  return said?.toLowerCase() === "https" ? "https" : "http";
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
