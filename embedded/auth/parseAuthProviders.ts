/**
 * Checks what `auth.config.ts` exports, in Convex's words. Keeps the order in which Convex asks the providers, whatever
 * the order in the file: OIDC before custom JWT, then by application id and issuer. The first that fits a token counts.
 */
import { isObject } from "../http/shape.ts";
import { type AuthProvider, isCustomJwt, issuerOf } from "../protocol/authProvider.ts";

const seeDocs = "To learn more, see the auth documentation at https://docs.convex.dev/auth.";

/** @throws Error with a sentence for the person who pushed. */
export function parseAuthProviders(config: unknown): AuthProvider[] {
  if (config === null || config === undefined) {
    throw new Error(`auth config file is missing default export. ${seeDocs}`);
  }
  const providers = isObject(config) ? config["providers"] : undefined;
  if (!Array.isArray(providers)) throw noMatch("missing field `providers`");
  return providers.map(parseProvider).toSorted(inOrder);
}

function parseProvider(given: unknown, index: number): AuthProvider {
  if (!isObject(given)) throw noMatch(`Provider at index ${index} is not an object.`);
  refuseCommonConfusions(given, index);
  return given["type"] === "customJwt" ? customJwt(given, index) : oidc(given, index);
}

function refuseCommonConfusions(given: Record<string, unknown>, index: number): void {
  const type = given["type"] ?? "oidc";
  if ("applicationId" in given || "applicationid" in given) {
    throw noMatch(
      `Provider at index ${index} must have applicationID property spelled lowercase 'application', capital I, capital D.`,
    );
  }
  if (type !== "customJwt" && type !== "oidc") {
    throw noMatch(`Provider at index ${index} has unexpected 'type' value ${JSON.stringify(type)}`);
  }
  if (type === "customJwt" && "domain" in given) {
    throw noMatch(`Provider at index ${index} is a customJwt so cannot have a 'domain' specified`);
  }
  if (type === "oidc" && "issuer" in given) {
    throw noMatch(`Provider at index ${index} is oidc so cannot have an 'issuer' specified.`);
  }
  if (!("applicationID" in given) && sharedIssuers.has(given["issuer"])) {
    throw new Error(
      `This auth configuration appears potentially insecure: Provider at index ${index} has an issuer that is shared ` +
        "among many applications, so must to specify an ApplicationID to check against an `aud` field of a JWT.",
    );
  }
}

/** Their tokens are for many applications: without an audience anybody's would pass. */
const sharedIssuers = new Set<unknown>(["https://api.workos.com", "https://api.workos.com/"]);

function oidc(given: Record<string, unknown>, index: number): AuthProvider {
  return {
    domain: issuerUrl(text(given, "domain", index)),
    applicationID: text(given, "applicationID", index),
  };
}

function customJwt(given: Record<string, unknown>, index: number): AuthProvider {
  const algorithm = text(given, "algorithm", index);
  if (algorithm !== "RS256" && algorithm !== "ES256") {
    throw noMatch(
      `Provider at index ${index}: unknown variant \`${algorithm}\`, expected \`RS256\` or \`ES256\``,
    );
  }
  const applicationID = given["applicationID"] ?? null;
  return {
    type: "customJwt",
    issuer: issuerUrl(text(given, "issuer", index)),
    jwks: text(given, "jwks", index),
    algorithm,
    applicationID: applicationID === null ? null : text(given, "applicationID", index),
  };
}

function text(given: Record<string, unknown>, field: string, index: number): string {
  const value = given[field];
  if (typeof value === "string") return value;
  if (value === undefined) throw noMatch(`Provider at index ${index}: missing field \`${field}\``);
  throw noMatch(`Provider at index ${index}: \`${field}\` must be a string`);
}

/** With its scheme: Convex takes a bare domain for https. */
function issuerUrl(given: string): string {
  const refuse = (why: string): Error => new Error(`Invalid provider domain URL "${given}": ${why}`);
  if (given.startsWith('"')) throw refuse('starts with a double quote (")');
  const hadScheme = /^\w+:\/\//.test(given);
  const url = hadScheme ? given : `https://${given}`;
  if (!URL.canParse(url)) throw refuse("it is no URL");
  const { protocol, hostname } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") throw refuse("scheme should be http or https");
  // A token or a password put here by mistake has no domain's ending.
  if (!hadScheme && hostname !== "localhost" && !/\.[a-z]{2,}$/i.test(hostname)) {
    throw refuse("Does not look like a URL (must have a scheme or end with a top-level domain)");
  }
  return url;
}

function inOrder(one: AuthProvider, other: AuthProvider): number {
  const rank = (provider: AuthProvider): string[] => [
    isCustomJwt(provider) ? "1" : "0",
    provider.applicationID ?? "",
    issuerOf(provider),
  ];
  const [left, right] = [rank(one).join("\n"), rank(other).join("\n")];
  return left < right ? -1 : left > right ? 1 : 0;
}

function noMatch(reason: string): Error {
  return new Error(`auth config file must include a list of provider credentials: ${reason}`);
}
