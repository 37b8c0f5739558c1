/**
 * Verifies a user's token against the providers of `auth.config.ts`. The first provider whose issuer and audience fit is
 * the one that decides. Signatures and times are checked by `jose`; what is refused is refused in Convex's words.
 *
 * No message and no log line holds a token.
 */
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTVerifyOptions } from "jose";
import {
  type AuthProvider,
  type CustomJwtProvider,
  isCustomJwt,
  issuerOf,
  type OidcProvider,
  withoutTrailingSlashes,
} from "../protocol/authProvider.ts";
import type { Caller } from "../protocol/calls.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { KeyCache } from "./keyCache.ts";
import { type Claims, customJwtAttributes, oidcAttributes, refuseUnusable } from "./userAttributes.ts";

type User = Extract<Caller, { kind: "user" }>;

export interface TokenChecks {
  providers: readonly AuthProvider[];
  keys: KeyCache;
  nowMs: number;
}

/** Four times what HTTP servers take as headers. */
const maxTokenChars = 64 * 1024;
/** Of what a token says, in a message. */
const maxQuotedChars = 100;
/** How far apart Convex lets its clock and a custom JWT provider's be. */
const customJwtToleranceSeconds = 5;
/** Convex does not look at these times of an ID token; a clock may be a minute wrong, not more. */
const oidcToleranceSeconds = 60;

/** Rejects with InvalidAuthHeader, NoAuthProvider, Unauthenticated or what `fetchProviderKeys` rejects with. */
export async function verifyToken(token: string, checks: TokenChecks): Promise<User> {
  const claims = unverifiedClaims(token);
  const provider = checks.providers.find((candidate) => fits(candidate, claims));
  if (provider === undefined) throw new DeploymentError("NoAuthProvider", noProvider(checks.providers));
  const check = { token, claims, checks };
  return await (isCustomJwt(provider) ? verifyCustomJwt(provider, check) : verifyIdToken(provider, check));
}

interface Check {
  token: string;
  /** Not to be believed before the signature is checked. */
  claims: Claims;
  checks: TokenChecks;
}

function unverifiedClaims(token: string): Claims {
  if (token.length > maxTokenChars) {
    const message = `The token is longer than ${maxTokenChars} characters. Put fewer claims into it.`;
    throw new DeploymentError("InvalidAuthHeader", message);
  }
  const claims = parsedClaims(token);
  if (typeof claims["iss"] !== "string") {
    throw new DeploymentError(
      "InvalidAuthHeader",
      "Missing issuer claim ('iss') in JWT payload. The JWT must include an 'iss' claim that matches one of your configured auth providers.",
    );
  }
  return claims;
}

function parsedClaims(token: string): Claims {
  try {
    decodeProtectedHeader(token);
    const claims = decodeJwt(token);
    refuseUnusable(claims);
    refuseWrongTypes(claims);
    return claims;
  } catch (cause) {
    const message =
      "Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded parts separated by dots.";
    throw new DeploymentError("InvalidAuthHeader", message, { cause });
  }
}

/** Of the registered claims, RFC 7519, 4.1. */
function refuseWrongTypes(claims: Claims): void {
  const isText = (value: unknown): boolean => typeof value === "string";
  const isTime = (value: unknown): boolean => Number.isFinite(value);
  const checks: Record<string, (value: unknown) => boolean> = {
    iss: isText,
    sub: isText,
    jti: isText,
    exp: isTime,
    nbf: isTime,
    iat: isTime,
    aud: (value) => [value].flat().every(isText),
  };
  for (const [claim, isRight] of Object.entries(checks)) {
    const value = claims[claim];
    if (value !== undefined && !isRight(value)) throw new TypeError(`"${claim}" is of a wrong type`);
  }
}

function fits(provider: AuthProvider, { iss, aud }: Claims): boolean {
  const { applicationID } = provider;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (applicationID !== null && !audiences.includes(applicationID)) return false;
  return withoutTrailingSlashes(issuerOf(provider)) === withoutTrailingSlashes(withScheme(String(iss)));
}

function withScheme(issuer: string): string {
  return /^https?:\/\//.test(issuer) ? issuer : `https://${issuer}`;
}

function noProvider(providers: readonly AuthProvider[]): string {
  if (providers.length === 0) {
    return "No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts.";
  }
  const configured = providers.map((provider) =>
    isCustomJwt(provider)
      ? `CustomJWT(issuer=${provider.issuer}, app_id=${provider.applicationID ?? "none"})`
      : `OIDC(domain=${provider.domain}, app_id=${provider.applicationID})`,
  );
  return (
    "No auth provider found matching the given token. Check that your JWT's issuer and audience match one of your " +
    `configured providers: [${configured.join(", ")}]`
  );
}

async function verifyIdToken(provider: OidcProvider, check: Check): Promise<User> {
  const { issuer } = await check.checks.keys.keysOf(provider);
  const { iss, aud } = check.claims;
  if (issuer !== iss) {
    throw new DeploymentError(
      "AuthProviderDiscoveryFailed",
      `Auth provider discovery of ${String(iss)} failed: its document names the issuer ${JSON.stringify(issuer)}.`,
    );
  }
  const refusal = (cause: unknown): DeploymentError =>
    new DeploymentError(
      "Unauthenticated",
      "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
      { cause },
    );
  // A token that is meant for others, too, could have been handed on by one of them.
  if ([aud].flat().some((audience) => audience !== provider.applicationID))
    throw refusal("several audiences");
  const tolerance = oidcToleranceSeconds;
  const verified = await verifySignature(provider, check, {
    algorithms: ["RS256", "EdDSA"],
    clockTolerance: tolerance,
  })
    .then((claims) => {
      refuseExpired(claims, check.checks.nowMs);
      refuseIssuedLater(claims, check.checks.nowMs, tolerance);
      return claims;
    })
    .catch((error: unknown) => {
      throw refusal(error);
    });
  const refusalOfShape = "Could not parse as OIDC ID token. Token might not be an OIDC-compliant JWT.";
  return userOf(check.token, verified, ["exp", "iat"], oidcAttributes, refusalOfShape);
}

async function verifyCustomJwt(provider: CustomJwtProvider, check: Check): Promise<User> {
  const { kid } = decodeProtectedHeader(check.token);
  const undecodable =
    typeof kid === "string"
      ? `Could not decode token. The JWT's 'kid' (key ID) header is '${kid.slice(0, maxQuotedChars)}', does this key match any key in the provider's JWKS?`
      : "Could not decode token. JWT may be missing a 'kid' (key ID) header.";
  if (typeof kid !== "string") throw new DeploymentError("InvalidAuthHeader", undecodable);
  const tolerance = customJwtToleranceSeconds;
  const options = { algorithms: [provider.algorithm], clockTolerance: tolerance };
  try {
    const verified = await verifySignature(provider, check, options);
    refuseIssuedLater(verified, check.checks.nowMs, tolerance);
    return userOf(
      check.token,
      verified,
      ["exp"],
      customJwtAttributes,
      "Could not verify token claim. Check that the JWT contains valid claims and matches your auth provider configuration.",
    );
  } catch (error) {
    if (error instanceof DeploymentError) throw error;
    const isWrongTime =
      error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed;
    const message = isWrongTime
      ? `Could not validate token: ${wrongTime(error, check.checks.nowMs)}`
      : undecodable;
    throw new DeploymentError("InvalidAuthHeader", message, { cause: error });
  }
}

/** Claims whose signature, issuer, audience, `exp` and `nbf` hold. Rejects with errors of `jose`. */
async function verifySignature(
  provider: AuthProvider,
  { token, claims, checks }: Check,
  options: JWTVerifyOptions,
): Promise<Claims> {
  const keys = await checks.keys.keysOf(provider);
  const allOptions: JWTVerifyOptions = {
    ...options,
    issuer: claims["iss"] as string,
    ...(provider.applicationID === null ? {} : { audience: provider.applicationID }),
    currentDate: new Date(checks.nowMs),
  };
  try {
    return (await jwtVerify(token, keys.find, allOptions)).payload;
  } catch (error) {
    if (!mayBeNewKey(error, token)) throw error;
    const newer = await checks.keys.newerThan(keys, provider);
    if (newer === null) throw error;
    return (await jwtVerify(token, newer.find, allOptions)).payload;
  }
}

/** Providers change their keys. A token that names its key is only worth asking for one that is not known. */
function mayBeNewKey(error: unknown, token: string): boolean {
  if (error instanceof errors.JWKSNoMatchingKey) return true;
  return (
    error instanceof errors.JWSSignatureVerificationFailed && decodeProtectedHeader(token).kid === undefined
  );
}

/** Past its last second there is no tolerance for an ID token, as on Convex. */
function refuseExpired(claims: Claims, nowMs: number): void {
  if (typeof claims["exp"] === "number" && nowMs >= claims["exp"] * 1000)
    throw new errors.JWTExpired("the token has expired", claims, "exp");
}

function refuseIssuedLater(claims: Claims, nowMs: number, toleranceSeconds: number): void {
  if (typeof claims["iat"] === "number" && claims["iat"] * 1000 > nowMs + toleranceSeconds * 1000)
    throw new errors.JWTClaimValidationFailed("the token is of the future", claims, "iat");
}

function wrongTime(
  { claim, payload, message }: errors.JWTExpired | errors.JWTClaimValidationFailed,
  nowMs: number,
): string {
  const seconds = Math.round(Math.abs(Number(payload[claim]) - nowMs / 1000));
  if (claim === "exp") return `Token expired ${seconds} seconds ago`;
  return claim === "nbf" || claim === "iat" ? `Token will be valid in ${seconds} seconds` : message;
}

/** Claims that are verified, but perhaps not what such a token must hold. */
function userOf(
  token: string,
  claims: Claims,
  required: string[],
  attributesOf: (claims: Claims) => User["attributes"],
  refusal: string,
): User {
  try {
    for (const claim of required)
      if (claims[claim] === undefined) throw new TypeError(`"${claim}" is missing`);
    return {
      kind: "user",
      attributes: attributesOf(claims),
      token,
      expiresAtMs: Number(claims["exp"]) * 1000,
    };
  } catch (cause) {
    throw new DeploymentError("InvalidAuthHeader", refusal, { cause });
  }
}
