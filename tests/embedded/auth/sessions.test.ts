/** Authentication of sync sessions: what the client is told, what runs again, and what others notice of it. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type AuthApp, startAuthApp, who } from "../../support/authApp.ts";
import { Gates } from "../../support/gates.ts";
import {
  discoveryPath,
  type IdentityProvider,
  inSeconds,
  jwksPath,
  makeKey,
  sendJson,
  startIdentityProvider,
} from "../../support/identityProvider.ts";
import { connectClient, watchQuery } from "../../support/liveNotes.ts";
import { connectFrame, type Frame, openSyncSocket, type SyncSocket } from "../../support/syncSocket.ts";

let provider: IdentityProvider;
let app: AuthApp;
const sockets: SyncSocket[] = [];

beforeAll(async () => {
  [provider, app] = await Promise.all([startIdentityProvider(), startAuthApp()]);
  await app.push(`export default { providers: [{ domain: "${provider.issuer}", applicationID: "app" }] };`);
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

afterAll(async () => {
  await app.close();
  await provider.close();
});

async function connect(): Promise<SyncSocket> {
  const socket = await openSyncSocket(app.deployment.url);
  sockets.push(socket);
  socket.send(connectFrame(crypto.randomUUID()));
  return socket;
}

function authenticate(value: string, baseVersion = 0): Frame {
  return { type: "Authenticate", tokenType: "User", value, baseVersion };
}

function watch(...names: string[]): Frame {
  const modifications = names.map((udfPath, queryId) => ({ type: "Add", queryId, udfPath, args: [{}] }));
  return { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications };
}

/** Query id -> value, of one Transition. */
function valuesOf({ modifications }: Frame): Record<number, unknown> {
  const all = modifications as { queryId: number; value: unknown }[];
  return Object.fromEntries(all.map(({ queryId, value }) => [queryId, value]));
}

/** The next results: the new version of the identity may be told before them. */
async function transitionWithResults(socket: SyncSocket): Promise<Frame> {
  for (;;) {
    const transition = await socket.next("Transition");
    if ((transition["modifications"] as unknown[]).length > 0) return transition;
  }
}

async function nextResults(socket: SyncSocket): Promise<Record<number, unknown>> {
  return valuesOf(await transitionWithResults(socket));
}

/** Until it is opened, the keys are not handed out. New code makes the deployment ask for them. */
async function holdKeys(): Promise<Gates> {
  const gates = new Gates();
  provider.answer(jwksPath, (response) => {
    void gates.pass("keys").then(() => sendJson(response, { keys: provider.keys }));
  });
  await app.pusher.setVariables({ CHANGED: crypto.randomUUID() });
  return gates;
}

test("what follows a token waits until it is verified, and is done for its user", async () => {
  const gates = await holdKeys();
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  socket.send(watch("who:amI"));
  socket.send({ type: "Mutation", requestId: 0, udfPath: "who:remember", args: [{}] });
  await gates.reached("keys");
  gates.open("keys");
  expect(await socket.next("MutationResponse")).toMatchObject({ result: { subject: "ann" } });
  const transition = await transitionWithResults(socket);
  expect(valuesOf(transition)).toMatchObject({ 0: { subject: "ann" } });
  expect(transition["endVersion"]).toMatchObject({ identity: 1, querySet: 1 });
});

test("a client that sends without end while its token is checked is cut off", async () => {
  const gates = await holdKeys();
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  await gates.reached("keys");
  for (let requestId = 0; requestId <= 1000; requestId++) {
    socket.send({ type: "Mutation", requestId, udfPath: "who:remember", args: [{}] });
  }
  expect(await socket.closed).toBe(1013);
  gates.open("keys");
});

test("while a provider lets one session wait, others go on", async () => {
  const gates = await holdKeys();
  const waiting = await connect();
  waiting.send(authenticate(await provider.token()));
  await gates.reached("keys");
  const other = await connect();
  other.send(watch("who:nobody"));
  expect(valuesOf(await other.next("Transition"))).toEqual({ 0: "the same for everybody" });
  other.send({ type: "Mutation", requestId: 0, udfPath: "who:remember", args: [{}] });
  expect(await other.next("MutationResponse")).toMatchObject({ success: true, result: null });
  gates.open("keys");
  expect((await waiting.next("Transition"))["endVersion"]).toMatchObject({ identity: 1 });
});

test("a refreshed token of the same user runs nothing again and tells only the new version", async () => {
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  socket.send(watch("who:amI", "who:nobody"));
  expect(await nextResults(socket)).toMatchObject({ 0: { subject: "ann" }, 1: "the same for everybody" });
  const before = [await app.runsOf("who.js:amI"), await app.runsOf("who.js:nobody")];
  const refreshed = await provider.token({ exp: inSeconds(7200), jti: "another", iat: inSeconds(-5) });
  socket.send(authenticate(refreshed, 1));
  const transition = await socket.next("Transition");
  expect(transition["endVersion"]).toMatchObject({ identity: 2 });
  expect(transition["modifications"]).toEqual([]);
  expect([await app.runsOf("who.js:amI"), await app.runsOf("who.js:nobody")]).toEqual(before);
});

test("another user's token runs again what read the identity, and nothing else", async () => {
  const socket = await connect();
  socket.send(watch("who:amI", "who:nobody"));
  expect(valuesOf(await socket.next("Transition"))).toEqual({ 0: null, 1: "the same for everybody" });
  const before = await app.runsOf("who.js:nobody");
  socket.send(authenticate(await provider.token({ sub: "bob" })));
  expect(await nextResults(socket)).toEqual({
    0: { tokenIdentifier: `${provider.issuer}|bob`, issuer: provider.issuer, subject: "bob" },
  });
  expect(await app.runsOf("who.js:nobody")).toBe(before);
  socket.send({ type: "Authenticate", tokenType: "None", baseVersion: 1 });
  expect(await nextResults(socket)).toEqual({ 0: null });
});

test("a refused token ends the session with the version it was for", async () => {
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  await socket.next("Transition");
  const eve = await makeKey("RS256", "key-1");
  socket.send(authenticate(await provider.token({ sub: "eve" }, { key: eve }), 1));
  expect(await socket.next("AuthError")).toEqual({
    type: "AuthError",
    error:
      "Could not verify OIDC token claim. Check that the token signature is valid and the token hasn't expired.",
    baseVersion: 1,
    authUpdateAttempted: true,
  });
  expect(await socket.closed).toBe(1000);
});

test("a session whose token has expired is told so when it wants to do something", async () => {
  const socket = await connect();
  socket.send(authenticate(await provider.token({ exp: inSeconds(2) })));
  await socket.next("Transition");
  let answer: Frame;
  let requestId = 0;
  do {
    socket.send({ type: "Mutation", requestId: requestId++, udfPath: "who:remember", args: [{}] });
    answer = await socket.next("MutationResponse", "AuthError");
  } while (answer.type === "MutationResponse");
  expect(answer).toEqual({
    type: "AuthError",
    error: "Convex token identity expired",
    baseVersion: 1,
    authUpdateAttempted: false,
  });
  expect(await socket.closed).toBe(1000);
});

test("a provider that is down makes the client come back, and not give up its user", async () => {
  provider.answer(jwksPath, (response) => response.writeHead(503).end());
  await app.pusher.setVariables({ CHANGED: crypto.randomUUID() });
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  expect(await socket.closed).toBe(1011);
  provider.answer(jwksPath, (response) => sendJson(response, { keys: provider.keys }));
});

test("the official client recovers from a refused token with a fresh one", async () => {
  const client = connectClient(app.deployment.url);
  const watched = watchQuery(client, who.amI, {});
  const fetches: boolean[] = [];
  const confirmed = new Promise<void>((resolve) => {
    client.setAuth(
      async ({ forceRefreshToken }) => {
        fetches.push(forceRefreshToken);
        return await provider.token(forceRefreshToken ? {} : { exp: inSeconds(-60) });
      },
      (isAuthenticated) => {
        if (isAuthenticated) resolve();
      },
    );
  });
  await confirmed;
  await watched.reached((identity) => identity?.["subject"] === "ann");
  expect(fetches.slice(0, 2)).toEqual([false, true]);
  await client.close();
});

test("the official client signs out, and its queries are anonymous again", async () => {
  // Without reuse it fetches a second token at once, and who signs out meanwhile is signed in again by it.
  const client = connectClient(app.deployment.url, { initialAuthTokenReuse: true });
  const watched = watchQuery(client, who.amI, {});
  client.setAuth(async () => await provider.token());
  await watched.reached((identity) => identity !== null);
  const signedIn = watched.results.length;
  client.client.clearAuth();
  await watched.reached((identity) => identity === null && watched.results.length > signedIn);
  expect(watched.results.at(-1)).toBeNull();
  await client.close();
});

test("an admin acts as a user over the socket, with the right key only", async () => {
  const impersonating = { issuer: "https://i", subject: "bob" };
  const admin = {
    type: "Authenticate",
    tokenType: "Admin",
    value: app.deployment.adminKey,
    baseVersion: 0,
    impersonating,
  };
  const socket = await connect();
  socket.send(admin);
  socket.send(watch("who:amI", "who:secret"));
  expect(await nextResults(socket)).toEqual({
    0: { tokenIdentifier: "https://i|bob", ...impersonating },
    1: "secret",
  });
  const eve = await connect();
  eve.send({ ...admin, value: `${app.deployment.adminKey}x` });
  expect(await eve.next("AuthError")).toMatchObject({ baseVersion: 0, authUpdateAttempted: true });
  const broken = await connect();
  broken.send({ ...admin, impersonating: { name: "nobody in particular" } });
  expect((await broken.next("FatalError"))["error"]).toContain(
    'Either "tokenIdentifier" or "issuer" and "subject" must be set',
  );
});

test("a user's session sees no internal function and no system query", async () => {
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  socket.send(watch("who:secret", "_system/cli/queryEnvironmentVariables"));
  const told = await transitionWithResults(socket);
  expect(told["modifications"]).toMatchObject([{ type: "QueryFailed" }, { type: "QueryFailed" }]);
});

test("a discovery document that names another issuer is refused", async () => {
  provider.answer(discoveryPath, (response) =>
    sendJson(response, { issuer: "https://eve.example", jwks_uri: provider.issuer + jwksPath }),
  );
  await app.pusher.setVariables({ CHANGED: crypto.randomUUID() });
  const socket = await connect();
  socket.send(authenticate(await provider.token()));
  expect((await socket.next("AuthError"))["error"]).toContain(
    'its document names the issuer "https://eve.example"',
  );
});
