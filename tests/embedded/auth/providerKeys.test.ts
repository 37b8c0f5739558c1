/** Where keys come from, how long they are kept, and what a provider that misbehaves can do. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Authenticator, createAuthenticator } from "../../../embedded/auth/authenticator.ts";
import type { AuthProvider } from "../../../embedded/protocol/authProvider.ts";
import {
  discoveryPath,
  type IdentityProvider,
  jwksPath,
  makeKey,
  sendJson,
  startIdentityProvider,
} from "../../support/identityProvider.ts";

const tokenLifetimeMs = 3_600_000;

let provider: IdentityProvider;
let nowMs: number;

beforeAll(async () => {
  provider = await startIdentityProvider("RS256");
});

beforeEach(() => {
  nowMs = Date.now();
  provider.requests.length = 0;
  provider.keys = [provider.key.publicJwk];
  provider.answer(discoveryPath, (response) => sendJson(response, discovery()));
  provider.answer(jwksPath, (response) => sendJson(response, { keys: provider.keys }));
});

afterAll(async () => {
  await provider.close();
});

function discovery(): Record<string, string> {
  return { issuer: provider.issuer, jwks_uri: provider.issuer + jwksPath };
}

function authenticator(rules = {}, configured: AuthProvider[] = [oidc()]): Authenticator {
  return createAuthenticator({ providers: () => configured, nowMs: () => nowMs, rules });
}

function oidc(): AuthProvider {
  return { domain: provider.issuer, applicationID: "app" };
}

function customJwt(jwks = provider.issuer + jwksPath): AuthProvider {
  return { type: "customJwt", issuer: provider.issuer, jwks, algorithm: "RS256", applicationID: null };
}

/** "ann", else the refusal with its code. */
async function outcome({ identify }: Authenticator, token: string): Promise<string> {
  try {
    const caller = await identify({ kind: "bearer", token });
    return caller.kind === "user" ? String(caller.attributes.subject) : caller.kind;
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
}

test("tokens that come together make the provider be asked once", async () => {
  const one = authenticator();
  const tokens = await Promise.all(Array.from({ length: 50 }, () => provider.token()));
  expect(new Set(await Promise.all(tokens.map((token) => outcome(one, token))))).toEqual(new Set(["ann"]));
  expect(provider.requests).toEqual([discoveryPath, jwksPath]);
});

test("keys are kept as long as the provider says, within bounds", async () => {
  provider.answer(jwksPath, (response) =>
    sendJson(response, { keys: provider.keys }, { "Cache-Control": "public, max-age=60" }),
  );
  const one = authenticator();
  const token = await provider.token();
  await outcome(one, token);
  nowMs += 59_000;
  await outcome(one, token);
  expect(provider.requests.length).toBe(2);
  nowMs += 2_000;
  await outcome(one, token);
  expect(provider.requests.length).toBe(4);
});

test("keys that are not to be kept at all are kept for some seconds", async () => {
  provider.answer(jwksPath, (response) =>
    sendJson(response, { keys: provider.keys }, { "Cache-Control": "no-store" }),
  );
  const one = authenticator();
  const token = await provider.token();
  for (let second = 0; second < 15; second++) {
    await outcome(one, token);
    nowMs += 1_000;
  }
  expect(provider.requests.length).toBe(2);
  await outcome(one, token);
  expect(provider.requests.length).toBe(4);
});

test("a key that is withdrawn counts no longer once the keys were asked for again", async () => {
  const one = authenticator();
  const token = await provider.token();
  expect(await outcome(one, token)).toBe("ann");
  provider.keys = [(await makeKey("RS256", "key-2")).publicJwk];
  nowMs += 5 * 60_000;
  expect(await outcome(one, token)).toMatch(/^Unauthenticated/);
});

test("a new key is found at once, but unknown keys do not make us flood the provider", async () => {
  const one = authenticator();
  await outcome(one, await provider.token());
  const key = await makeKey("RS256", "key-2");
  provider.keys.push(key.publicJwk);
  nowMs += 15_000;
  expect(await outcome(one, await provider.token({}, { key }))).toBe("ann");
  expect(provider.requests.length).toBe(4);
  for (let index = 0; index < 20; index++) {
    const unknown = await makeKey("EdDSA", `unknown-${index}`);
    expect(await outcome(one, await provider.token({}, { key: unknown }))).toMatch(/^Unauthenticated/);
  }
  expect(provider.requests.length).toBe(4);
});

test("a new key is found also by tokens that do not name it", async () => {
  const one = authenticator();
  const header = { kid: undefined };
  expect(await outcome(one, await provider.token({}, { header }))).toBe("ann");
  const key = await makeKey("RS256", undefined);
  provider.keys = [key.publicJwk];
  nowMs += 15_000;
  expect(await outcome(one, await provider.token({}, { key, header }))).toBe("ann");
});

test("while the provider is down its last keys are good for an hour", async () => {
  const one = authenticator();
  const token = await provider.token();
  await outcome(one, token);
  provider.answer(discoveryPath, (response) => response.writeHead(503).end());
  nowMs += tokenLifetimeMs / 2;
  expect(await outcome(one, token)).toBe("ann");
  expect(await outcome(one, token)).toBe("ann");
  expect(provider.requests.length).toBe(3);
  nowMs += tokenLifetimeMs / 2;
  expect(await outcome(one, token)).toMatch(/^AuthProviderOverloaded/);
});

test("after a change of code or environment the provider is asked again", async () => {
  const one = authenticator();
  const token = await provider.token();
  await outcome(one, token);
  one.forgetKeys();
  await outcome(one, token);
  expect(provider.requests.length).toBe(4);
});

test.each<[string, number, string]>([
  ["is overloaded", 500, "AuthProviderOverloaded"],
  ["limits us", 429, "AuthProviderOverloaded"],
  ["has no discovery document", 404, "AuthProviderOverloaded"],
  ["refuses us", 403, "AuthProviderDiscoveryFailed"],
])("a provider that %s is told with its answer", async (_what, status, code) => {
  provider.answer(discoveryPath, (response) =>
    response.writeHead(status).end(`because ${"x".repeat(10_000)}`),
  );
  const refusal = await outcome(authenticator(), await provider.token());
  expect(refusal).toContain(`${code}: Auth provider discovery of ${provider.issuer} failed: ${status} `);
  expect(refusal).toContain("because");
  expect(refusal.length).toBeLessThan(600);
});

test("a provider that cannot be reached is told with the reason", async () => {
  const gone = await startIdentityProvider();
  const token = await gone.token();
  await gone.close();
  const configured = [{ domain: gone.issuer, applicationID: "app" }];
  expect(await outcome(authenticator({}, configured), token)).toBe(
    `AuthProviderDiscoveryFailed: Auth provider discovery of ${gone.issuer} failed: ECONNREFUSED`,
  );
});

test.each<[string, (path: string) => void]>([
  ["never answers", (path) => provider.answer(path, () => undefined)],
  [
    "answers byte by byte",
    (path) =>
      provider.answer(path, (response) => {
        response.writeHead(200, { "Content-Type": "application/json" });
        response.write("{");
        const drip = setInterval(() => response.write(" "), 10);
        response.on("close", () => clearInterval(drip));
      }),
  ],
])("a provider that %s is given up, at the discovery document and at the keys", async (_what, misbehave) => {
  for (const path of [jwksPath, discoveryPath]) {
    misbehave(path);
    const refusal = await outcome(authenticator({ timeoutMs: 100 }), await provider.token());
    expect(refusal).toContain("failed: no answer within 100 ms");
  }
});

test("while one provider hangs, tokens of another are verified", async () => {
  provider.answer(discoveryPath, () => undefined);
  const other = await startIdentityProvider();
  const one = authenticator({}, [oidc(), { domain: other.issuer, applicationID: "app" }]);
  const stuck = outcome(one, await provider.token());
  expect(await outcome(one, await other.token())).toBe("ann");
  provider.answer(discoveryPath, (response) => sendJson(response, discovery()));
  void stuck; // ends with its connection, when the provider closes
  await other.close();
});

const huge = JSON.stringify({ keys: [], padding: "x".repeat(600_000) });

test.each<[string, () => void]>([
  [
    "a huge document",
    () =>
      provider.answer(jwksPath, (response) =>
        response.writeHead(200, { "Content-Type": "application/json" }).end(huge),
      ),
  ],
  [
    "a document that is huge when unpacked",
    () =>
      provider.answer(jwksPath, (response) =>
        response
          .writeHead(200, { "Content-Type": "application/json", "Content-Encoding": "gzip" })
          .end(gzipSync(huge)),
      ),
  ],
])("%s is not read to its end", async (_what, misbehave) => {
  misbehave();
  expect(await outcome(authenticator(), await provider.token())).toContain("failed: more than 524288 bytes");
});

test.each<[string, unknown]>([
  ["no object", [1]],
  ["no keys", { keys: "none" }],
  ["keys that are none", { keys: [1, null] }],
])("keys that are %s verify nothing", async (_what, body) => {
  provider.answer(jwksPath, (response) => sendJson(response, body));
  expect(await outcome(authenticator(), await provider.token())).toMatch(/^AuthProviderDiscoveryFailed/);
  expect(await outcome(authenticator({}, [customJwt()]), await provider.token())).toMatch(
    /^InvalidAuthHeader: Invalid JWKS response body from /,
  );
});

test("a document of another media type is not taken for keys", async () => {
  provider.answer(jwksPath, (response) =>
    response.writeHead(200, { "Content-Type": "text/html" }).end(JSON.stringify({ keys: provider.keys })),
  );
  expect(await outcome(authenticator(), await provider.token())).toMatch(/^AuthProviderDiscoveryFailed/);
  expect(await outcome(authenticator({}, [customJwt()]), await provider.token())).toBe(
    `InvalidAuthHeader: Invalid Content-Type 'text/html' when fetching JWKS from '${provider.issuer}${jwksPath}'. ` +
      "Expected 'application/json' or 'application/jwk-set+json'.",
  );
  provider.answer(jwksPath, (response) =>
    response
      .writeHead(200, { "Content-Type": "application/jwk-set+json; charset=utf-8" })
      .end(JSON.stringify({ keys: provider.keys })),
  );
  expect(await outcome(authenticator(), await provider.token())).toBe("ann");
});

test("a JWKS URL that is not there is told", async () => {
  provider.answer(jwksPath, (response) => response.writeHead(404).end());
  expect(await outcome(authenticator({}, [customJwt()]), await provider.token())).toBe(
    `InvalidAuthHeader: Could not fetch JWKS from URL '${provider.issuer}${jwksPath}': HTTP 404 Not Found. Check that the URL is correct and accessible.`,
  );
});

test("a data URI that holds no keys is told without repeating it", async () => {
  expect(
    await outcome(authenticator({}, [customJwt("data:application/json,nope")]), await provider.token()),
  ).toBe(
    "InvalidAuthHeader: Invalid JWKS response body from 'data:…'. The response is not valid JSON or doesn't match the expected JWKS format.",
  );
});

test("redirects are followed, but not for ever and not to another protocol", async () => {
  provider.answer("/moved", (response) => sendJson(response, discovery()));
  provider.answer(discoveryPath, (response) => response.writeHead(302, { Location: "/moved" }).end());
  expect(await outcome(authenticator(), await provider.token())).toBe("ann");
  provider.answer(discoveryPath, (response) => response.writeHead(302, { Location: discoveryPath }).end());
  expect(await outcome(authenticator(), await provider.token())).toContain("failed: more than 5 redirects");
  provider.answer(discoveryPath, (response) =>
    response.writeHead(302, { Location: "file:///etc/passwd" }).end(),
  );
  expect(await outcome(authenticator(), await provider.token())).toContain("which is not safe to follow");
});

test("a discovery document cannot send us to files", async () => {
  provider.answer(discoveryPath, (response) =>
    sendJson(response, { ...discovery(), jwks_uri: "file:///etc/passwd" }),
  );
  expect(await outcome(authenticator(), await provider.token())).toContain("which is not safe to follow");
});
