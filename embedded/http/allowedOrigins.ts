/**
 * Which pages of browsers may use the deployment port. Convex lets in all, since there the caller's identity protects
 * what is behind it; an app that knows no accounts names its own origins instead (`--allow-origin`).
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { DeploymentError } from "../protocol/deploymentError.ts";

/** Why a request with these headers is refused; null when it is not. */
export type OriginCheck = (headers: IncomingHttpHeaders) => DeploymentError | null;

/**
 * With `origins`, others are refused. Browsers send `Origin` with all they send to another origin, other programs send
 * none: those go on. To a page whose name was made to point here (DNS rebinding) this is its own origin, and its
 * browser sends none either: it is known by the `Host`, a name that is neither ours nor one of `origins`.
 * @param ownHosts - The interface, by address or name, and the name by which clients reach it.
 */
export function allowOrigins(
  origins: readonly string[] | undefined,
  ownHosts: readonly string[],
): OriginCheck {
  if (origins === undefined) return () => null;
  const ownNames = new Set(["localhost", ...ownHosts, ...origins.map((origin) => new URL(origin).hostname)]);
  return ({ origin, host }) => {
    if (origin !== undefined && !origins.includes(origin))
      return notAllowed(`Pages of ${origin} may not use`);
    if (host !== undefined && !isAddressOr(ownNames, host)) return notAllowed(`${host} is not a name of`);
    return null;
  };
}

function isAddressOr(names: ReadonlySet<string>, host: string): boolean {
  const hostname = URL.parse(`http://${host}`)?.hostname ?? "";
  return names.has(hostname) || isIP(hostname.replace(/^\[(.*)\]$/, "$1")) !== 0;
}

function notAllowed(what: string): DeploymentError {
  return new DeploymentError(
    "OriginNotAllowed",
    `${what} this deployment: --allow-origin names those that may use it.`,
  );
}
