/**
 * Which tokens pass, and what Convex's words are for those that do not. Long, because each rule of a token is one short test, and
 * all of them change one good token at one place.
 */
import { createHmac } from "node:crypto";
import { exportSPKI, importJWK, type JWTPayload } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthenticator } from "../../../embedded/auth/authenticator.ts";
import type { AuthProvider } from "../../../embedded/protocol/authProvider.ts";
import type { UserAttributes } from "../../../embedded/protocol/calls.ts";
import {
  type IdentityProvider,
  inSeconds,
  jwksPath,
  makeKey,
  signToken,
  startIdentityProvider,
} from "../../support/identityProvider.ts";

let oidc: IdentityProvider;
let jwt: IdentityProvider;

beforeAll(async () => {
  [oidc, jwt] = await Promise.all([startIdentityProvider("RS256"), startIdentityProvider("ES256")]);
});

afterAll(async () => {
  await Promise.all([oidc.close(), jwt.close()]);
});

function providers(): AuthProvider[] {
  return [
    { domain: oidc.issuer, applicationID: "app" },
    {
      type: "customJwt",
      issuer: jwt.issuer,
      jwks: jwt.issuer + jwksPath,
      algorithm: "ES256",
      applicationID: "app",
    },
  ];
}

/** The attributes of whoever the token names, else "code: message". */
async function verify(token: string, configured = providers()): Promise<UserAttributes | string> {
  const authenticator = createAuthenticator({ providers: () => configured, nowMs: Date.now });
  try {
    const caller = await authenticator.identify({ kind: "bearer", token });
    return caller.kind === "user" ? caller.attributes : caller.kind;
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
}

const oidcRefusal =
  "Unauthenticated: Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.";
const unparsable =
  "InvalidAuthHeader: Could not parse JWT payload. Check that the token is a valid JWT format with three base64-encoded parts separated by dots.";

const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("an ID token gives the attributes Convex makes of its claims, and its own besides", async () => {
  const claims = {
    name: "Ann Example",
    given_name: "Ann",
    preferred_username: "ann",
    profile: "https://example.com/ann",
    picture: "https://example.com/ann.png",
    email: "ann@example.com",
    email_verified: true,
    birthdate: "2000-01-01",
    zoneinfo: "Europe/Berlin",
    locale: "de-DE",
    phone_number: "+49",
    phone_number_verified: false,
    address: { formatted: "Street 1", country: "DE" },
    updated_at: 1_700_000_000,
    "name#de": "Anna",
    org: { id: 7, roles: ["owner"] },
    nothing: null,
    jti: "changes",
    nbf: inSeconds(-1),
    fva: [1, 2],
    nonce: "n",
  };
  expect(await verify(await oidc.token(claims))).toEqual({
    tokenIdentifier: `${oidc.issuer}|ann`,
    issuer: oidc.issuer,
    subject: "ann",
    name: "Ann Example",
    givenName: "Ann",
    preferredUsername: "ann",
    profileUrl: "https://example.com/ann",
    pictureUrl: "https://example.com/ann.png",
    email: "ann@example.com",
    emailVerified: true,
    birthday: "2000-01-01",
    timezone: "Europe/Berlin",
    language: "de-DE",
    phoneNumber: "+49",
    phoneNumberVerified: false,
    address: "Street 1",
    updatedAt: "2023-11-14T22:13:20+00:00",
    org: { id: 7, roles: ["owner"] },
    nothing: null,
  });
});

test("a custom JWT gives its claims under their own names, objects flattened", async () => {
  const claims = {
    email: "ann@example.com",
    email_verified: true,
    org: { id: 7, plan: { name: "free" } },
    fva: [1],
  };
  expect(await verify(await jwt.token(claims))).toEqual({
    tokenIdentifier: `${jwt.issuer}|ann`,
    issuer: jwt.issuer,
    subject: "ann",
    email: "ann@example.com",
    email_verified: true,
    "org.id": 7,
    "org.plan.name": "free",
  });
});

test("a claim cannot pose as the identity itself", async () => {
  const pose = {
    tokenIdentifier: "other|eve",
    issuer: "other",
    subject: "eve",
    ["__proto__"]: { admin: true },
  };
  for (const token of [await oidc.token(pose), await jwt.token(pose)]) {
    const attributes = (await verify(token)) as UserAttributes;
    expect(attributes.subject).toBe("ann");
    expect(attributes.tokenIdentifier).toMatch(/\|ann$/);
    expect("admin" in attributes).toBe(false);
  }
});

test.each<[string, JWTPayload]>([
  ["expired a moment ago", { exp: inSeconds(-1) }],
  ["not valid before tomorrow", { nbf: inSeconds(86_400) }],
  ["issued tomorrow", { iat: inSeconds(86_400) }],
  ["also for another application", { aud: ["app", "other"] }],
])("an ID token that is %s is refused", async (_what, claims) => {
  expect(await verify(await oidc.token(claims))).toBe(oidcRefusal);
});

test.each<[string, JWTPayload, RegExp]>([
  [
    "expired",
    { exp: inSeconds(-60) },
    /^InvalidAuthHeader: Could not validate token: Token expired 6\d seconds ago$/,
  ],
  [
    "not valid yet",
    { nbf: inSeconds(60) },
    /^InvalidAuthHeader: Could not validate token: Token will be valid in \d+ seconds$/,
  ],
  [
    "issued in the future",
    { iat: inSeconds(60) },
    /^InvalidAuthHeader: Could not validate token: Token will be valid in \d+ seconds$/,
  ],
  ["without an expiry", { exp: undefined }, /^InvalidAuthHeader: Could not verify token claim\./],
  ["without a subject", { sub: undefined }, /^InvalidAuthHeader: Could not verify token claim\./],
])("a custom JWT that is %s is refused", async (_what, claims, sentence) => {
  expect(await verify(await jwt.token(claims))).toMatch(sentence);
});

test("a custom JWT may be a few seconds off, as on Convex", async () => {
  const claims = { iat: inSeconds(3), nbf: inSeconds(3), exp: inSeconds(-2) };
  expect(await verify(await jwt.token(claims))).toMatchObject({ subject: "ann" });
});

test.each<[string, JWTPayload]>([
  ["no subject", { sub: undefined }],
  ["no time of issue", { iat: undefined }],
  ["a standard claim of another type", { email_verified: "yes" }],
])("an ID token with %s is refused as none", async (_what, claims) => {
  expect(await verify(await oidc.token(claims))).toBe(
    "InvalidAuthHeader: Could not parse as OIDC ID token. Token might not be an OIDC-compliant JWT.",
  );
});

test("a token of no configured issuer is told which there are", async () => {
  const token = await oidc.token({ iss: "https://elsewhere.example" });
  expect(await verify(token)).toBe(
    "NoAuthProvider: No auth provider found matching the given token. Check that your JWT's issuer and audience match " +
      `one of your configured providers: [OIDC(domain=${oidc.issuer}, app_id=app), CustomJWT(issuer=${jwt.issuer}, app_id=app)]`,
  );
  expect(await verify(token, [])).toBe(
    "NoAuthProvider: No auth provider found matching the given token (no providers configured). Check convex/auth.config.ts.",
  );
});

test("a token for another application is of no provider, unless the provider takes any", async () => {
  expect(await verify(await oidc.token({ aud: "other" }))).toMatch(/^NoAuthProvider/);
  expect(await verify(await oidc.token({ aud: undefined }))).toMatch(/^NoAuthProvider/);
  const token = await jwt.token({ aud: "other" });
  expect(await verify(token)).toMatch(/^NoAuthProvider/);
  const anyAudience = { ...providers()[1]!, applicationID: null } as AuthProvider;
  expect(await verify(token, [anyAudience])).toMatchObject({ subject: "ann" });
});

test("of two providers of one issuer the one for the token's audience decides", async () => {
  const configured = [
    { domain: oidc.issuer, applicationID: "first" },
    { domain: oidc.issuer, applicationID: "app" },
  ];
  expect(await verify(await oidc.token(), configured)).toMatchObject({ subject: "ann" });
});

test("a slash at the end of the configured issuer makes no difference", async () => {
  const configured = [{ domain: `${oidc.issuer}/`, applicationID: "app" }];
  expect(await verify(await oidc.token(), configured)).toMatchObject({ issuer: oidc.issuer });
});

test("an ID token must name its issuer as the discovery document does", async () => {
  expect(await verify(await oidc.token({ iss: `${oidc.issuer}/` }))).toMatch(
    /^AuthProviderDiscoveryFailed: /,
  );
});

test("an ID token without a key id is checked with the only key, and refused when there are two", async () => {
  const token = await oidc.token({}, { header: { kid: undefined } });
  expect(await verify(token)).toMatchObject({ subject: "ann" });
  const other = await makeKey("RS256", "key-2");
  oidc.keys.push(other.publicJwk);
  expect(await verify(token)).toBe(oidcRefusal);
  expect(await verify(await oidc.token())).toMatchObject({ subject: "ann" });
  oidc.keys.pop();
});

test("a custom JWT needs a key id", async () => {
  expect(await verify(await jwt.token({}, { header: { kid: undefined } }))).toBe(
    "InvalidAuthHeader: Could not decode token. JWT may be missing a 'kid' (key ID) header.",
  );
});

test("keys in a data URI need no network", async () => {
  const jwks = `data:text/plain;charset=utf-8;base64,${Buffer.from(JSON.stringify({ keys: jwt.keys })).toString("base64")}`;
  const configured = [{ ...providers()[1]!, jwks } as AuthProvider];
  const before = jwt.requests.length;
  expect(await verify(await jwt.token(), configured)).toMatchObject({ subject: "ann" });
  expect(jwt.requests.length).toBe(before);
});

test("an ID token may be signed with EdDSA", async () => {
  const key = await makeKey("EdDSA", "ed");
  oidc.keys.push(key.publicJwk);
  expect(await verify(await oidc.token({}, { key }))).toMatchObject({ subject: "ann" });
  oidc.keys.pop();
});

const forged = (issuer: string): Record<string, unknown> => ({
  iss: issuer,
  sub: "eve",
  aud: "app",
  iat: inSeconds(0),
  exp: inSeconds(3600),
});

test("a signature of another key, or of another token, is refused", async () => {
  const eve = await makeKey("RS256", "key-1");
  expect(await verify(await oidc.token({}, { key: eve }))).toBe(oidcRefusal);
  const [header, , signature] = (await oidc.token()).split(".");
  expect(await verify(`${header}.${segment(forged(oidc.issuer))}.${signature}`)).toBe(oidcRefusal);
  expect(await verify(`${header}.${segment(forged(oidc.issuer))}.`)).toBe(oidcRefusal);
});

test("another issuer's key of the same name does not pass for this one's", async () => {
  const other = await startIdentityProvider("RS256");
  const token = await signToken({ iss: oidc.issuer, sub: "eve" }, other.key);
  const configured = [...providers(), { domain: other.issuer, applicationID: "app" }];
  expect(await verify(token, configured)).toBe(oidcRefusal);
  await other.close();
});

test.each(["none", "None", "nOnE", ""])("a token without a signature, alg %j, is refused", async (alg) => {
  for (const { issuer } of [oidc, jwt]) {
    const token = `${segment({ alg, kid: "key-1" })}.${segment(forged(issuer))}.`;
    expect(await verify(token)).toMatch(/Could not (verify OIDC token claim|decode token)/);
  }
});

test("a public key is not taken for the secret of an HMAC", async () => {
  for (const { issuer, key } of [oidc, jwt]) {
    const pem = await exportSPKI((await importJWK(key.publicJwk, key.alg)) as CryptoKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(key.publicJwk)]) {
      const signed = `${segment({ alg: "HS256", kid: "key-1" })}.${segment(forged(issuer))}`;
      const signature = createHmac("sha256", secret).update(signed).digest("base64url");
      expect(await verify(`${signed}.${signature}`)).toMatch(
        /Could not (verify OIDC token claim|decode token)/,
      );
    }
  }
});

test("a provider's key counts for the algorithm it is configured for, and no other", async () => {
  const rsa = await makeKey("RS256", "rsa");
  jwt.keys.push(rsa.publicJwk);
  expect(await verify(await jwt.token({}, { key: rsa }))).toBe(
    "InvalidAuthHeader: Could not decode token. The JWT's 'kid' (key ID) header is 'rsa', does this key match any key in the provider's JWKS?",
  );
  jwt.keys.pop();
  const es = await makeKey("ES256", "es");
  oidc.keys.push(es.publicJwk);
  expect(await verify(await oidc.token({}, { key: es }))).toBe(oidcRefusal);
  oidc.keys.pop();
});

test("a key that the token brings along is not believed", async () => {
  const eve = await makeKey("RS256", "eve");
  const header = { jwk: eve.publicJwk, jku: "https://eve.example/keys", x5u: "https://eve.example/cert" };
  expect(await verify(await oidc.token({ sub: "eve" }, { key: eve, header }))).toBe(oidcRefusal);
  expect(
    await verify(await oidc.token({ sub: "eve" }, { key: eve, header: { ...header, kid: "key-1" } })),
  ).toBe(oidcRefusal);
});

test("a critical header that is not understood is refused", async () => {
  const header = { crit: ["urn:example:must"], "urn:example:must": true };
  expect(await verify(await oidc.token({}, { header }))).toBe(oidcRefusal);
});

test.each([
  ["empty", ""],
  ["no JWT", "hello"],
  ["two parts", "e30.e30"],
  ["five parts", "a.b.c.d.e"],
  ["no base64", "!!!.???.###"],
  ["no JSON", `${segment({ alg: "RS256" })}.bm9wZQ.AAAA`],
  ["an array", `${segment({ alg: "RS256" })}.${segment([1])}.AAAA`],
  ["an issuer of another type", `${segment({ alg: "RS256" })}.${segment({ iss: { $ne: null } })}.AAAA`],
  ["a time of another type", `${segment({ alg: "RS256" })}.${segment({ iss: "x", exp: "tomorrow" })}.AAAA`],
  [
    "nested without end",
    `${segment({ alg: "RS256" })}.${Buffer.from('{"iss":"x","a":' + "[".repeat(20_000) + "]".repeat(20_000) + "}").toString("base64url")}.AAAA`,
  ],
  [
    "half a surrogate pair",
    `${segment({ alg: "RS256" })}.${Buffer.from('{"iss":"x","sub":"\\ud800"}').toString("base64url")}.AAAA`,
  ],
])("a token that is %s cannot be parsed", async (_what, token) => {
  expect(await verify(token)).toBe(unparsable);
});

test("a token without an issuer is told so", async () => {
  expect(await verify(`${segment({ alg: "RS256" })}.${segment({ sub: "x" })}.AAAA`)).toMatch(
    /^InvalidAuthHeader: Missing issuer claim \('iss'\) in JWT payload\./,
  );
});

test("a very long token is refused before it is read", async () => {
  const token = await oidc.token({ padding: "x".repeat(100_000) });
  expect(await verify(token)).toBe(
    "InvalidAuthHeader: The token is longer than 65536 characters. Put fewer claims into it.",
  );
});

test("a refusal never repeats the token", async () => {
  const eve = await makeKey("RS256", "key-1");
  for (const token of [
    await oidc.token({}, { key: eve }),
    await jwt.token({ exp: 1 }),
    await oidc.token({ aud: "x" }),
  ]) {
    const refusal = (await verify(token)) as string;
    for (const part of token.split(".")) expect(refusal).not.toContain(part);
  }
});

/** Each provider is compared with it. Looked at once for each slash, they took minutes. */
test("an issuer that is a long row of slashes is looked at no longer than any other", async () => {
  const audiences = Array.from({ length: 100 }, (_, number) => `app${number}`);
  const configured: AuthProvider[] = audiences.map((applicationID) => ({
    domain: oidc.issuer,
    applicationID,
  }));
  const claims = { iss: `https://${"/".repeat(45_000)}x`, aud: audiences };
  const token = `${segment({ alg: "RS256" })}.${segment(claims)}.${segment("")}`;
  expect(await verify(token, configured)).toMatch(/^NoAuthProvider: /);
});
