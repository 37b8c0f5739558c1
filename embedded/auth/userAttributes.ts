/** What functions learn of a user, as Convex exposes it: from the claims of a token, or from the identity an admin acts as. */
import { isObject, refuseDeepNesting } from "../http/shape.ts";
import type { UserAttributes } from "../protocol/calls.ts";
import { refuseLoneSurrogates } from "../runner/loneSurrogates.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** Claims of OpenID Connect that are text, and the attributes they become. */
const textClaims: Readonly<Record<string, string>> = {
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  website: "websiteUrl",
  email: "email",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
};
const booleanClaims: Readonly<Record<string, string>> = {
  email_verified: "emailVerified",
  phone_number_verified: "phoneNumberVerified",
};

/** Known to OpenID Connect and no attribute of Convex's. */
const silentClaims =
  "iss sub aud exp iat auth_time nonce acr amr azp at_hash c_hash middle_name address updated_at".split(" ");
/** Different in every token of one user: queries that read the identity would run again at each refresh. */
const volatileClaims = ["jti", "nbf", "fva"];
/** Of any JWT, RFC 7519, 4.1. */
const registeredClaims = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

const notCustomInOidc = new Set([
  ...silentClaims,
  ...volatileClaims,
  ...Object.keys(textClaims),
  ...Object.keys(booleanClaims),
]);
const notCustomInJwt = new Set([...registeredClaims, "fva"]);

/** Of an ID token. @throws TypeError for a standard claim of another type than OpenID Connect gives it. */
export function oidcAttributes(claims: Claims): UserAttributes {
  const standard: Record<string, unknown> = {};
  for (const [claim, attribute] of Object.entries(textClaims)) {
    if (claims[claim] != null) standard[attribute] = expectText(claims, claim);
  }
  for (const [claim, attribute] of Object.entries(booleanClaims)) {
    if (claims[claim] != null) standard[attribute] = expectBoolean(claims, claim);
  }
  const address = claims["address"] == null ? {} : expectObject(claims, "address");
  if (address["formatted"] != null) standard["address"] = expectText(address, "formatted");
  if (claims["updated_at"] != null) standard["updatedAt"] = rfc3339(claims["updated_at"]);
  // A claim in another language, "name#de", is known to OpenID Connect, too.
  const custom = Object.entries(claims).filter(([claim]) => !notCustomInOidc.has(claim.split("#")[0]!));
  return together(claims, standard, custom);
}

/** Of a token of a custom JWT provider: every claim of the app's own, objects flattened to "outer.inner". */
export function customJwtAttributes(claims: Claims): UserAttributes {
  const own = Object.entries(claims).filter(([claim]) => !notCustomInJwt.has(claim));
  return together(claims, {}, own.flatMap(flattened));
}

/** An admin's `impersonating`. @throws TypeError when it lacks a name of its own, or gives an attribute the wrong type. */
export function impersonatedAttributes(given: unknown): UserAttributes {
  if (!isObject(given)) throw new TypeError("The identity to act as is not an object.");
  refuseUnusable(given);
  for (const attribute of [...identifying, ...Object.values(textClaims), "address", "updatedAt"]) {
    if (given[attribute] != null) expectText(given, attribute);
  }
  for (const attribute of Object.values(booleanClaims)) {
    if (given[attribute] != null) expectBoolean(given, attribute);
  }
  const { tokenIdentifier, issuer, subject } = given;
  if (tokenIdentifier == null && (issuer == null || subject == null)) {
    throw new TypeError('Either "tokenIdentifier" or "issuer" and "subject" must be set');
  }
  const known = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries([
    ["tokenIdentifier", tokenIdentifier ?? `${String(issuer)}|${String(subject)}`],
    ...known,
  ]) as UserAttributes;
}

const identifying = ["tokenIdentifier", "issuer", "subject"];

/** @throws for claims that no function could be given: nested without end, or not Unicode text. */
export function refuseUnusable(claims: Claims): void {
  refuseDeepNesting(claims, "The claims of the token");
  refuseLoneSurrogates(JSON.stringify(claims));
}

/** What identifies the user is never a custom claim's, whatever its name: later entries win. */
function together(claims: Claims, standard: Claims, custom: [string, unknown][]): UserAttributes {
  const [issuer, subject] = [expectText(claims, "iss"), expectText(claims, "sub")];
  return Object.fromEntries([
    ...custom,
    ...Object.entries({ ...standard, tokenIdentifier: `${issuer}|${subject}`, issuer, subject }),
  ]) as UserAttributes;
}

function flattened([name, value]: [string, unknown]): [string, unknown][] {
  if (!isObject(value)) return [[name, value]];
  return Object.entries(value)
    .flatMap(flattened)
    .map(([inner, innerValue]) => [`${name}.${inner}`, innerValue]);
}

function expectText(from: Claims, name: string): string {
  const value = from[name];
  if (typeof value !== "string") throw new TypeError(`"${name}" must be a string`);
  return value;
}

function expectBoolean(from: Claims, name: string): boolean {
  const value = from[name];
  if (typeof value !== "boolean") throw new TypeError(`"${name}" must be a boolean`);
  return value;
}

function expectObject(from: Claims, name: string): Claims {
  const value = from[name];
  if (!isObject(value)) throw new TypeError(`"${name}" must be an object`);
  return value;
}

/** Seconds since 1970, or text that is a date already; in the form Convex gives it. */
function rfc3339(value: unknown): string {
  const date = typeof value === "number" ? new Date(value * 1000) : new Date(String(value));
  if (Number.isNaN(date.getTime())) throw new TypeError('"updated_at" must be a time');
  return date.toISOString().replace(/(\.000)?Z$/, "+00:00");
}
