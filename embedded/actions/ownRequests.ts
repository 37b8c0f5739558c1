/**
 * Requests of the deployment to its own site port: it asks itself for the keys of users' tokens when the app is their
 * issuer. Actions may be waiting for the answer in every place there is, so these need none. A secret of the thread says
 * which requests they are; functions do not see it.
 */
import type { IncomingMessage } from "node:http";

const headerName = "x-own-request";

export function ownRequestHeaders(secret: string): Record<string, string> {
  return { [headerName]: secret };
}

/** Takes the secret off the request. */
export function isOwnRequest(incoming: IncomingMessage, secret: string): boolean {
  const given = incoming.headers[headerName];
  if (given !== secret) return false;
  const { rawHeaders } = incoming;
  rawHeaders.splice(rawHeaders.indexOf(secret) - 1, 2);
  return true;
}
