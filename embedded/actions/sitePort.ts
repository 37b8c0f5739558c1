/** The HTTP server of the site port. Knows HTTP, not what is served. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Longer than proxies and browsers keep a connection they do not use, so that none is closed under a new request. */
const keepAliveTimeout = 75_000;

/** Above what any action may take: a request that is still being sent then belongs to nobody. */
const requestTimeout = 40 * 60_000;

/** Resolves to the port when it is open. Each token of a stream leaves at once: no Nagle, no socket time-out. */
export async function openSitePort(
  host: string,
  port: number,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveTimeout, requestTimeout }, serve);
  // Who asks whether to send its body is told when the function reads it.
  server.on("checkContinue", serve);
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
