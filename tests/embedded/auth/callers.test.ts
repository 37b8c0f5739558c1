/** Who a function hears of, by every way in: WebSocket, HTTP API, HTTP actions, actions, the scheduler. */
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuthApp, startAuthApp, who } from "../../support/authApp.ts";
import {
  type IdentityProvider,
  inSeconds,
  makeKey,
  startIdentityProvider,
} from "../../support/identityProvider.ts";
import { connectClient, watchQuery } from "../../support/liveNotes.ts";

let provider: IdentityProvider;
let app: AuthApp;

beforeAll(async () => {
  [provider, app] = await Promise.all([startIdentityProvider(), startAuthApp()]);
  await app.push(`export default { providers: [{ domain: "${provider.issuer}", applicationID: "app" }] };`);
});

afterAll(async () => {
  await app.close();
  await provider.close();
});

/** What the CLI uses of the client. */
interface AdminClient {
  setAdminAuth: (key: string, identity: Record<string, unknown>) => void;
}

function ann(): Record<string, unknown> {
  return { tokenIdentifier: `${provider.issuer}|ann`, issuer: provider.issuer, subject: "ann", name: "Ann" };
}

async function httpClient(token?: string): Promise<ConvexHttpClient> {
  const client = new ConvexHttpClient(app.deployment.url, { logger: false });
  client.setAuth(token ?? (await provider.token({ name: "Ann" })));
  return client;
}

async function me(headers: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(`${app.deployment.siteUrl}/me`, { headers });
  return (await response.json()) as Record<string, unknown>;
}

test("queries, mutations and actions over HTTP see the user, and so does what an action calls", async () => {
  const client = await httpClient();
  expect(await client.query(who.amI, {})).toEqual(ann());
  expect(await client.mutation(who.remember, {})).toEqual(ann());
  expect(await client.action(who.viaAction, {})).toEqual([ann(), ann(), ann()]);
  client.clearAuth();
  expect(await client.query(who.amI, {})).toBeNull();
});

test("an HTTP action sees the user of its Authorization header", async () => {
  const Authorization = `Bearer ${await provider.token({ name: "Ann" })}`;
  expect(await me({ Authorization })).toEqual({ identity: ann(), query: ann() });
  expect(await me({ authorization: Authorization.replace("Bearer", "bearer") })).toMatchObject({
    identity: ann(),
  });
  expect(await me({})).toEqual({ identity: null, query: null });
});

test("an HTTP action hears why a header is nobody's when it asks who it is, and only then", async () => {
  const expired = await provider.token({ exp: inSeconds(-10) });
  expect(await me({ Authorization: `Bearer ${expired}` })).toEqual({
    error:
      "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
    query: null,
  });
  expect(await me({ Authorization: "Basic abcdef" })).toEqual({ error: "Invalid admin key", query: null });
  const open = await fetch(`${app.deployment.siteUrl}/open`, {
    headers: { Authorization: `Bearer ${expired}` },
  });
  expect(await open.text()).toBe("open");
});

test("an HTTP action believes an admin who acts as a user, and nobody else who says so", async () => {
  const identity = Buffer.from(JSON.stringify(ann())).toString("base64");
  const { adminKey } = app.deployment;
  expect(await me({ Authorization: `Convex ${adminKey}:${identity}` })).toEqual({
    identity: ann(),
    query: ann(),
  });
  expect(await me({ Authorization: `Convex ${adminKey}` })).toEqual({ identity: null, query: null });
  expect(await me({ Authorization: `Convex ${adminKey.slice(0, -1)}:${identity}` })).toMatchObject({
    query: null,
  });
});

test("the metadata of a request holds its token, and none for an admin who acts as a user", async () => {
  const token = await provider.token();
  expect(await (await httpClient(token)).action(who.token, {})).toEqual([token, token]);
  const admin = new ConvexHttpClient(app.deployment.url, { logger: false });
  (admin as unknown as AdminClient).setAdminAuth(app.deployment.adminKey, ann());
  expect(await admin.action(who.token, {})).toEqual([null, null]);
});

test("a scheduled function acts for nobody", async () => {
  const client = connectClient(app.deployment.url);
  client.setAuth(async () => await provider.token({ name: "Ann" }));
  const seen = watchQuery(client, who.seenLater, {});
  await client.mutation(who.later, {});
  await seen.reached((identities) => identities.length === 1);
  expect(seen.results.at(-1)).toEqual([null]);
  await client.close();
});

test("a refused token is a 401 with Convex's code and sentence", async () => {
  const eve = await makeKey("RS256", "key-1");
  const refused = async (token: string): Promise<[number, unknown]> => {
    const response = await fetch(`${app.deployment.url}/api/query`, {
      method: "POST",
      body: JSON.stringify({ path: "who:amI", args: {} }),
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    });
    return [response.status, await response.json()];
  };
  expect(await refused(await provider.token({ sub: "eve" }, { key: eve }))).toEqual([
    401,
    {
      code: "Unauthenticated",
      message:
        "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
    },
  ]);
  expect(await refused(await provider.token({ iss: "https://elsewhere" }))).toMatchObject([
    401,
    { code: "NoAuthProvider" },
  ]);
  expect(await refused("nonsense")).toMatchObject([401, { code: "InvalidAuthHeader" }]);
});

test("a user's token opens no internal function, no system query and no admin endpoint", async () => {
  const client = await httpClient();
  await expect(client.query(who.secret, {})).rejects.toThrow("Could not find public function");
  const post = async (path: string, body: unknown): Promise<Response> =>
    await fetch(app.deployment.url + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { Authorization: `Bearer ${await provider.token()}`, "Content-Type": "application/json" },
    });
  const system = await post("/api/query", { path: "_system/cli/queryEnvironmentVariables", args: {} });
  expect(await system.json()).toMatchObject({ status: "error" });
  expect((await post("/api/update_environment_variables", { changes: [] })).status).toBe(401);
  const inComponent = await post("/api/query", { componentPath: "child", path: "who:amI", args: {} });
  expect(inComponent.status).toBe(401);
});

test("an admin acts as a user, with the attributes given and a name made of issuer and subject", async () => {
  const client = new ConvexHttpClient(app.deployment.url, { logger: false });
  const asAdmin = client as unknown as AdminClient;
  asAdmin.setAdminAuth(app.deployment.adminKey, {
    issuer: "https://i",
    subject: "bob",
    emailVerified: true,
    plan: { free: true },
  });
  expect(await client.query(who.amI, {})).toEqual({
    tokenIdentifier: "https://i|bob",
    issuer: "https://i",
    subject: "bob",
    emailVerified: true,
    plan: { free: true },
  });
  expect(await client.query(who.secret, {})).toBe("secret");
  for (const misfit of [
    { name: "nobody in particular" },
    { tokenIdentifier: 7 },
    { issuer: "i", subject: "s", emailVerified: "yes" },
  ]) {
    asAdmin.setAdminAuth(app.deployment.adminKey, misfit);
    await expect(client.query(who.amI, {})).rejects.toThrow("Malformed Authorization header.");
  }
});
