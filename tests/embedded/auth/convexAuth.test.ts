/** Convex Auth, unmodified: set up and pushed by the real CLI, used by the real clients. */
import { ConvexHttpClient } from "convex/browser";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDeployment, type Deployment } from "../../../embedded/deployment.ts";
import { auth, setUpConvexAuth, type Tokens } from "../../support/convexAuthApp.ts";
import { connectClient, watchQuery } from "../../support/liveNotes.ts";
import { createFixtureApp, type NotesApp } from "../../support/notesApp.ts";

let app: NotesApp;
let deployment: Deployment;

beforeAll(async () => {
  app = createFixtureApp("convexAuth");
  deployment = await startDeployment({ dataDir: `${app.folder}/data`, port: 0, sitePort: 0 });
  await setUpConvexAuth(app, deployment);
  await app.push(deployment);
});

afterAll(async () => {
  await deployment.close();
  app.remove();
});

function client(token?: string): ConvexHttpClient {
  const made = new ConvexHttpClient(deployment.url, { logger: false });
  if (token !== undefined) made.setAuth(token);
  return made;
}

async function withPassword(flow: "signUp" | "signIn", email: string, password: string): Promise<Tokens> {
  const params = { flow, email, password };
  const { tokens } = await client().action(auth.signIn, { provider: "password", params });
  if (!tokens) throw new Error("no tokens");
  return tokens;
}

async function refresh(refreshToken: string): Promise<Tokens | null> {
  return (await client().action(auth.signIn, { refreshToken })).tokens ?? null;
}

test("its tokens name the site URL and no key, and the deployment believes them", async () => {
  const { token } = await withPassword("signUp", "ann@example.com", "a long password");
  expect(decodeProtectedHeader(token)).toEqual({ alg: "RS256" });
  expect(decodeJwt(token)).toMatchObject({ iss: deployment.siteUrl, aud: "convex" });
  const me = await client(token).query(auth.me, {});
  expect(me).toMatchObject({ email: "ann@example.com", isAnonymous: false });
  expect(decodeJwt(token).sub).toBe(`${me?.userId}|${me?.sessionId}`);
  expect(await client(token).query(auth.isAuthenticated, {})).toBe(true);
  expect(await client().query(auth.me, {})).toBeNull();
});

test("who signs in again is the same user in another session", async () => {
  const first = await client(
    (await withPassword("signUp", "ben@example.com", "a long password")).token,
  ).query(auth.me, {});
  const second = await client(
    (await withPassword("signIn", "ben@example.com", "a long password")).token,
  ).query(auth.me, {});
  expect(second?.userId).toBe(first?.userId);
  expect(second?.sessionId).not.toBe(first?.sessionId);
});

test("a wrong password, and an account that is not there, let nobody in", async () => {
  await withPassword("signUp", "cleo@example.com", "a long password");
  await expect(withPassword("signIn", "cleo@example.com", "another password")).rejects.toThrow(
    "InvalidSecret",
  );
  await expect(withPassword("signIn", "nobody@example.com", "a long password")).rejects.toThrow(
    "InvalidAccountId",
  );
  await expect(withPassword("signUp", "cleo@example.com", "another password")).rejects.toThrow(
    "already exists",
  );
});

test("anonymous visitors are users of their own", async () => {
  const visit = async () => {
    const { tokens } = await client().action(auth.signIn, { provider: "anonymous" });
    return await client(tokens?.token).query(auth.me, {});
  };
  const [first, second] = [await visit(), await visit()];
  expect([first?.isAnonymous, second?.isAnonymous]).toEqual([true, true]);
  expect(first?.userId).not.toBe(second?.userId);
});

test("a session goes on with a refresh token, which is another each time", async () => {
  const tokens = await withPassword("signUp", "dora@example.com", "a long password");
  const next = await refresh(tokens.refreshToken);
  expect(next?.refreshToken).not.toBe(tokens.refreshToken);
  const [before, after] = [
    await client(tokens.token).query(auth.me, {}),
    await client(next?.token).query(auth.me, {}),
  ];
  expect(after).toEqual(before);
});

test("who signed out has no session to go on with", async () => {
  const tokens = await withPassword("signUp", "emil@example.com", "a long password");
  await client(tokens.token).action(auth.signOut, {});
  expect(await refresh(tokens.refreshToken)).toBeNull();
});

test("a subscription changes with who is signed in", async () => {
  const { token } = await withPassword("signUp", "fred@example.com", "a long password");
  const live = connectClient(deployment.url);
  const me = watchQuery(live, auth.me, {});
  await me.reached((person) => person === null);
  live.setAuth(async () => token);
  await me.reached((person) => person?.email === "fred@example.com");
  expect(me.results.map((person) => person?.email ?? null)).toEqual([null, "fred@example.com"]);
  await live.close();
});

test("a crowd that takes every place for actions does not keep the deployment from asking itself for its keys", async () => {
  const { token } = await withPassword("signUp", "hal@example.com", "a long password");
  // The keys are forgotten, and all of these wait for them: none can be served before another request is.
  await app.convex(deployment, "env", "set", "UNRELATED=1");
  const crowd = Array.from({ length: 100 }, async () => {
    const response = await fetch(`${deployment.siteUrl}/me`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    return ((await response.json()) as { issuer?: string }).issuer;
  });
  expect(new Set(await Promise.all(crowd))).toEqual(new Set([deployment.siteUrl]));
});

test("new keys in the environment end what the old ones signed", async () => {
  const { token } = await withPassword("signUp", "gus@example.com", "a long password");
  await setUpConvexAuth(app, deployment);
  await expect(client(token).query(auth.me, {})).rejects.toThrow("Could not verify OIDC token claim");
  const renewed = await withPassword("signIn", "gus@example.com", "a long password");
  expect(await client(renewed.token).query(auth.me, {})).toMatchObject({ email: "gus@example.com" });
});
