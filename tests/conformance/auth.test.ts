/** Users: tokens of a customJwt provider over every way in, and tokens that are refused. */
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAppUnpushed, type TestApp } from "./support/testApp.ts";
import { makeTokenIssuer } from "./support/tokens.ts";
import { watch } from "./support/watch.ts";

const issuer = makeTokenIssuer("https://issuer.test", "conformance");
const amI = makeFunctionReference<"query", Record<string, never>, Record<string, unknown> | null>("who:amI");
let app: TestApp;

beforeAll(async () => {
  app = await openAppUnpushed("auth");
  await app.cli.run(["env", "set", "CONFORMANCE_JWKS", issuer.jwksUrl]);
  const { exitCode, stderr } = await app.cli.run(["deploy", "--typecheck", "enable"]);
  if (exitCode !== 0) throw new Error(`convex deploy of auth failed:\n${stderr}`);
});
afterAll(() => app.close());

function withToken(token: string): ConvexHttpClient {
  const client = new ConvexHttpClient(app.target.url, { logger: false });
  client.setAuth(token);
  return client;
}

describe("a token", () => {
  test("makes its claims the caller's identity", async () => {
    const token = issuer.token({ sub: "ann", name: "Ann", email: "ann@example.com", plan: "gold" });
    expect(await withToken(token).query(amI, {})).toMatchObject({
      tokenIdentifier: "https://issuer.test|ann",
      issuer: "https://issuer.test",
      subject: "ann",
      name: "Ann",
      email: "ann@example.com",
      plan: "gold",
    });
  });

  test("goes along into mutations, actions, what they call, and HTTP actions", async () => {
    const token = issuer.token({ sub: "bob" });
    const client = withToken(token);
    expect(await client.mutation(makeFunctionReference<"mutation">("who:inMutation"), {})).toBe("bob");
    expect(await client.action(makeFunctionReference<"action">("who:inAction"), {})).toEqual(["bob", "bob"]);
    const response = await fetch(`${app.target.siteUrl}/me`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(await response.json()).toBe("bob");
  });

  const nowSeconds = Math.floor(Date.now() / 1000);
  test.each<[string, () => string]>([
    ["that has expired", () => issuer.token({ sub: "x", exp: nowSeconds - 60, iat: nowSeconds - 120 })],
    ["for another audience", () => issuer.token({ sub: "x", aud: "another app" })],
    ["of another issuer", () => issuer.token({ sub: "x", iss: "https://another.test" })],
    [
      "signed with another key",
      () => makeTokenIssuer("https://issuer.test", "conformance").token({ sub: "x" }),
    ],
    [
      "that was changed",
      () => issuer.token({ sub: "x" }).replace(/\.[^.]+\./, (part) => `.${part.slice(2)}`),
    ],
    ["that is none", () => "not.a.token"],
  ])("%s is refused", async (_what, token) => {
    await expect(withToken(token()).query(amI, {})).rejects.toThrow(
      /Unauthenticated|InvalidAuthHeader|AuthProvider|token/i,
    );
  });
});

describe("over the WebSocket", () => {
  test("a client's queries follow when it logs in, and when it logs out", async () => {
    // Without reuse it fetches a second token at once, and who logs out meanwhile is logged in again by it.
    const client = app.connect({ initialAuthTokenReuse: true });
    const seen = watch<Record<string, unknown> | null>(client, "who:amI");
    await seen.reached((identity) => identity === null);
    client.setAuth(async () => issuer.token({ sub: "cat" }));
    expect(await seen.reached((identity) => identity !== null)).toMatchObject({ subject: "cat" });
    seen.results.length = 0;
    client.client.clearAuth();
    expect(await seen.reached((identity) => identity === null)).toBeNull();
  });

  test("two users of one query each get their own", async () => {
    const subjects = ["dan", "eve"];
    const identities = subjects.map((sub) => {
      const client = app.connect();
      client.setAuth(async () => issuer.token({ sub }));
      return watch<{ subject: string } | null>(client, "who:amI").reached((identity) => identity !== null);
    });
    expect((await Promise.all(identities)).map((identity) => identity?.subject)).toEqual(subjects);
  });

  test("a client hears that its token was refused", async () => {
    const client = app.connect();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    client.setAuth(async () => "not.a.token", resolve);
    expect(await promise).toBe(false);
  });
});
