/** The HTTP server of the site port. Knows HTTP, not what is served. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { closeGently } from "../http/lingeringClose.ts";

/** Longer than proxies and browsers keep a connection they do not use, so that none is closed under a new request. */
const keepAliveTimeout = 75_000;

/** Above what any action may take: a request that is still being sent then belongs to nobody. */
const requestTimeout = 40 * 60_000;

export interface SitePort {
  port: number;
  /** What is being answered goes on; a new request on a connection that is open gets a 503. */
  stop: () => void;
}

/** Resolves when the port is open. Each token of a stream leaves at once: no Nagle, no socket time-out. */
export async function openSitePort(
  host: string,
  port: number,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<SitePort> {
  let isStopping = false;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (isStopping) refuse(response);
    else serve(request, response);
  };
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveTimeout, requestTimeout }, answer);
  closeGently(server);
  // Who asks whether to send its body is told when the function reads it.
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer); // as Convex, which knows no other
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      isStopping = true;
      server.close();
      server.closeIdleConnections();
    },
  };
}

function refuse(response: ServerResponse): void {
  response.on("error", () => undefined); // the client is gone
  response.writeHead(503, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  response.end("The deployment is stopping. Try again in a moment.");
}
