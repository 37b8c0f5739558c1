/** CORS on the deployment port: as on Convex, whatever a page asks for is allowed; who calls is a matter of the credential. */
import type { IncomingMessage, ServerResponse } from "node:http";

const methods = "GET,POST,OPTIONS,PATCH,DELETE,PUT";
const maxAgeSeconds = 24 * 60 * 60;

/** Answers to the origin that asks, and to its preflight with the headers it wants to send. */
export function setCorsHeaders({ headers, method }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Vary", "origin, access-control-request-method, access-control-request-headers");
  const { origin } = headers;
  if (origin === undefined) return;
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Access-Control-Allow-Credentials", "true");
  if (method !== "OPTIONS") return;
  const wanted = headers["access-control-request-headers"];
  if (wanted !== undefined) response.setHeader("Access-Control-Allow-Headers", wanted);
  response.setHeader("Access-Control-Allow-Methods", methods);
  response.setHeader("Access-Control-Max-Age", String(maxAgeSeconds));
}
