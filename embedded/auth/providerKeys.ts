/** Asks an identity provider for its public keys: OIDC discovery, a JWKS URL, or the `data:` URI of a custom JWT provider. */
import { createLocalJWKSet } from "jose";
import { isObject } from "../http/shape.ts";
import {
  type AuthProvider,
  type CustomJwtProvider,
  isCustomJwt,
  type OidcProvider,
  withoutTrailingSlashes,
} from "../protocol/authProvider.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { fetchDocument, type FetchedDocument, type FetchRules, refuseDowngrade } from "./fetchDocument.ts";

export interface ProviderKeys {
  /** As the discovery document names itself; null when none was asked for. */
  issuer: string | null;
  find: ReturnType<typeof createLocalJWKSet>;
  /** What the provider says of how long they may be kept; null when it says nothing. */
  maxAgeSeconds: number | null;
}

/** Rejects with AuthProviderDiscoveryFailed, AuthProviderOverloaded or, for a custom JWT provider, InvalidAuthHeader. */
export function fetchProviderKeys(provider: AuthProvider, rules: FetchRules): Promise<ProviderKeys> {
  return isCustomJwt(provider) ? customJwtKeys(provider, rules) : discoveredKeys(provider, rules);
}

const jwksMediaTypes = ["application/json", "application/jwk-set+json"];

async function discoveredKeys({ domain }: OidcProvider, rules: FetchRules): Promise<ProviderKeys> {
  const failure = `Auth provider discovery of ${domain} failed`;
  const documentUrl = `${withoutTrailingSlashes(domain)}/.well-known/openid-configuration`;
  try {
    const document = await fetchDocument(documentUrl, rules);
    const { issuer, jwks_uri: jwksUri } = objectOf(accepted(document, ["application/json"], failure));
    if (typeof issuer !== "string" || typeof jwksUri !== "string" || !URL.canParse(jwksUri)) {
      throw new Error("the document names no issuer and jwks_uri");
    }
    refuseDowngrade(new URL(documentUrl), new URL(jwksUri));
    const jwks = await fetchDocument(jwksUri, rules);
    const find = keySet(accepted(jwks, jwksMediaTypes, failure));
    return { issuer, find, maxAgeSeconds: shorter(document.maxAgeSeconds, jwks.maxAgeSeconds) };
  } catch (error) {
    if (error instanceof DeploymentError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeploymentError("AuthProviderDiscoveryFailed", `${failure}: ${reason}`, { cause: error });
  }
}

/** How much of a provider's answer is repeated to whoever wants to know what went wrong. */
const maxQuotedChars = 300;

function accepted(
  { status, statusText, mediaType, body }: FetchedDocument,
  types: string[],
  failure: string,
): string {
  const isOfType = mediaType === null || types.includes(mediaType);
  if (status === 200 && isOfType) return body;
  const message = `${failure}: ${status} ${statusText} ${body.slice(0, maxQuotedChars)}`;
  throw new DeploymentError(codeOfStatus(status), message);
}

/** What may pass by itself makes a client come back later; the rest is told as a refusal of its token. */
function codeOfStatus(status: number): "AuthProviderOverloaded" | "AuthProviderDiscoveryFailed" {
  const mayPass = status >= 500 || status === 404 || status === 429;
  return mayPass ? "AuthProviderOverloaded" : "AuthProviderDiscoveryFailed";
}

async function customJwtKeys({ jwks: url }: CustomJwtProvider, rules: FetchRules): Promise<ProviderKeys> {
  const { body, maxAgeSeconds } = url.startsWith("data:")
    ? await readDataUri(url)
    : await fetchJwks(url, rules);
  try {
    return { issuer: null, find: keySet(body), maxAgeSeconds };
  } catch (cause) {
    const named = url.startsWith("data:") ? "data:…" : url;
    const message = `Invalid JWKS response body from '${named}'. The response is not valid JSON or doesn't match the expected JWKS format.`;
    throw new DeploymentError("InvalidAuthHeader", message, { cause });
  }
}

async function readDataUri(url: string): Promise<Pick<FetchedDocument, "body" | "maxAgeSeconds">> {
  try {
    return { body: await (await fetch(url)).text(), maxAgeSeconds: null };
  } catch (cause) {
    const message =
      "Invalid JWKS data URL. Check that the data URL is properly formatted and contains valid base64-encoded JSON.";
    throw new DeploymentError("InvalidAuthHeader", message, { cause });
  }
}

async function fetchJwks(url: string, rules: FetchRules): Promise<FetchedDocument> {
  const unreachable = (reason: string, cause?: unknown): DeploymentError =>
    new DeploymentError(
      "InvalidAuthHeader",
      `Could not fetch JWKS from URL '${url}': ${reason}. Check that the URL is correct and accessible.`,
      { cause },
    );
  const document = await fetchDocument(url, rules).catch((error: unknown) => {
    throw unreachable(error instanceof Error ? error.message : String(error), error);
  });
  if (document.status !== 200) throw unreachable(`HTTP ${document.status} ${document.statusText}`);
  if (document.mediaType === null || !jwksMediaTypes.includes(document.mediaType)) {
    throw new DeploymentError(
      "InvalidAuthHeader",
      `Invalid Content-Type '${document.mediaType ?? "unknown"}' when fetching JWKS from '${url}'. ` +
        "Expected 'application/json' or 'application/jwk-set+json'.",
    );
  }
  return document;
}

function keySet(body: string): ProviderKeys["find"] {
  return createLocalJWKSet(objectOf(body) as unknown as Parameters<typeof createLocalJWKSet>[0]);
}

function objectOf(body: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(body);
  if (!isObject(parsed)) throw new Error("the document is no JSON object");
  return parsed;
}

function shorter(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
