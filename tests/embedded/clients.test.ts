/** The official clients against a deployment, over real sockets. */
import { type ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../embedded/deployment.ts";
import { deployFixture } from "../support/deployedFixture.ts";
import type { FunctionUsage } from "../../embedded/protocol/calls.ts";
import { connectClient, watchBoard } from "../support/liveNotes.ts";
import { notes } from "../support/notesApp.ts";
import { connectFrame, openSyncSocket } from "../support/syncSocket.ts";

let deployment: Deployment;
const clients: ConvexClient[] = [];

beforeAll(async () => {
  const fixture = await deployFixture("notes");
  ({ deployment } = fixture);
  return fixture.close;
});

afterAll(async () => {
  for (const client of clients) await client.close();
});

function connect(): ConvexClient {
  const client = connectClient(deployment.url);
  clients.push(client);
  return client;
}

async function callsOf(name: string): Promise<number> {
  const response = await fetch(`${deployment.url}/api/usage`, {
    headers: { Authorization: `Convex ${deployment.adminKey}` },
  });
  const usage = (await response.json()) as FunctionUsage[];
  return usage.find((one) => one.name === name)?.calls ?? 0;
}

test("a subscription sees the writes of another client", async () => {
  const reader = watchBoard(connect(), "shared");
  await reader.reached((texts) => texts.length === 0);
  await connect().mutation(notes.add, { board: "shared", text: "hello" });
  await reader.reached((texts) => texts.includes("hello"));
  expect(reader.results).toEqual([[], ["hello"]]);
});

test("a client that awaited its mutation reads its own write", async () => {
  const client = connect();
  const reader = watchBoard(client, "own");
  await reader.reached((texts) => texts.length === 0);
  await client.mutation(notes.add, { board: "own", text: "mine" });
  expect(reader.results.at(-1)).toEqual(["mine"]);
});

test("mutations of one client are applied in the order of the calls", async () => {
  const client = connect();
  const texts = Array.from({ length: 30 }, (_, index) => `note ${index}`);
  await Promise.all(texts.map((text) => client.mutation(notes.add, { board: "ordered", text })));
  expect(await client.query(notes.list, { board: "ordered" })).toEqual(texts);
});

test("the data of a ConvexError reaches the caller, over the WebSocket and over HTTP", async () => {
  const expected = new ConvexError({ kind: "emptyNote", board: "errors" });
  const args = { board: "errors", text: "" };
  const overSocket = await connect()
    .mutation(notes.add, args)
    .catch((error: unknown) => error);
  const overHttp = await new ConvexHttpClient(deployment.url, { logger: false })
    .mutation(notes.add, args)
    .catch((error: unknown) => error);
  expect([overSocket, overHttp].map((error) => (error as ConvexError<{ kind: string }>).data)).toEqual([
    expected.data,
    expected.data,
  ]);
});

test("actions, functions of components and scheduled functions run", async () => {
  const client = connect();
  const reader = watchBoard(client, "later");
  expect(await client.action(notes.shout, { board: "later", text: "loud" })).toBe("LOUD");
  expect(await client.mutation(notes.createStream, {})).toEqual(expect.any(String));
  await client.mutation(notes.addLater, { board: "later", text: "scheduled", afterMs: 0 });
  await reader.reached((texts) => texts.includes("LOUD") && texts.includes("scheduled"));
});

test("an internal function is not for the public", async () => {
  const client = new ConvexHttpClient(deployment.url, { logger: false });
  await expect(client.query(notes.secretCount, {})).rejects.toThrow("Could not find public function");
});

test("a commit that touches nothing a subscription read does not run it", async () => {
  const client = connect();
  const reader = watchBoard(client, "quiet");
  await reader.reached((texts) => texts.length === 0);
  const before = await callsOf("notes.js:list");
  for (const text of ["a", "b", "c"]) await client.mutation(notes.add, { board: "another", text });
  expect(await callsOf("notes.js:list")).toBe(before);
  await client.mutation(notes.add, { board: "quiet", text: "seen" });
  expect(await callsOf("notes.js:list")).toBe(before + 1);
});

test("one commit runs a query once for all its subscribers", async () => {
  const readers = Array.from({ length: 10 }, () => watchBoard(connect(), "crowd"));
  await Promise.all(readers.map((reader) => reader.reached((texts) => texts.length === 0)));
  const before = await callsOf("notes.js:list");
  await connect().mutation(notes.add, { board: "crowd", text: "once" });
  await Promise.all(readers.map((reader) => reader.reached((texts) => texts.includes("once"))));
  expect(await callsOf("notes.js:list")).toBe(before + 1);
});

test("a mutation that is replayed after a reconnect applies once and answers the same", async () => {
  const mutation = {
    type: "Mutation",
    requestId: 7,
    udfPath: "notes:add",
    args: [{ board: "replayed", text: "once" }],
  };
  const answers = [];
  for (let connection = 0; connection < 2; connection += 1) {
    const socket = await openSyncSocket(deployment.url);
    socket.send(connectFrame("1f7e3c1e-0000-4000-8000-000000000001"));
    socket.send(mutation);
    answers.push(await socket.next("MutationResponse"));
    // And the client is told a state that holds the mutation, the second time too.
    await socket.next("Transition");
    socket.close();
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(await connect().query(notes.list, { board: "replayed" })).toEqual(["once"]);
});

test("an admin acts as a user", async () => {
  const client = new ConvexHttpClient(deployment.url, { logger: false });
  const asAdmin = client as unknown as {
    setAdminAuth: (key: string, identity: Record<string, string>) => void;
  };
  asAdmin.setAdminAuth(deployment.adminKey, {
    subject: "ann",
    issuer: "https://test",
    tokenIdentifier: "t|ann",
    name: "Ann",
  });
  expect(await client.query(notes.whoAmI, {})).toBe("Ann");
});

const tokenOfNobody = ["e30", Buffer.from('{"iss":"https://nobody"}').toString("base64url"), ""].join(".");

test("a token is refused with the reason, and the client goes on without", async () => {
  const socket = await openSyncSocket(deployment.url);
  socket.send(connectFrame("1f7e3c1e-0000-4000-8000-000000000002"));
  socket.send({ type: "Authenticate", tokenType: "User", value: tokenOfNobody, baseVersion: 0 });
  const error = await socket.next("AuthError");
  expect(error).toMatchObject({ baseVersion: 0, authUpdateAttempted: true });
  expect(error["error"]).toContain("No auth provider found matching the given token");
  expect(await socket.closed).toBe(1000);
});

test("a message out of turn ends the session with the reason", async () => {
  const socket = await openSyncSocket(deployment.url);
  socket.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [] });
  expect((await socket.next("FatalError"))["error"]).toContain("ModifyQuerySet is not expected");
  expect(await socket.closed).toBe(1008);
});

test("a frame that is not of the protocol ends the session with the reason", async () => {
  const socket = await openSyncSocket(deployment.url);
  socket.send({ type: "Nonsense" });
  expect((await socket.next("FatalError"))["error"]).toContain('Unknown message type "Nonsense"');
});

test("every transition starts where the last one ended, and time never goes back", async () => {
  const socket = await openSyncSocket(deployment.url);
  socket.send(connectFrame("1f7e3c1e-0000-4000-8000-000000000003"));
  const add = (queryId: number, board: string) => ({
    type: "Add",
    queryId,
    udfPath: "notes:list",
    args: [{ board }],
  });
  socket.send({
    type: "ModifyQuerySet",
    baseVersion: 0,
    newVersion: 1,
    modifications: [add(0, "chain"), add(1, "chain")],
  });
  const first = await socket.next("Transition");
  socket.send({
    type: "Mutation",
    requestId: 0,
    udfPath: "notes:add",
    args: [{ board: "chain", text: "x" }],
  });
  const second = await socket.next("Transition");
  socket.send({
    type: "ModifyQuerySet",
    baseVersion: 1,
    newVersion: 2,
    modifications: [{ type: "Remove", queryId: 0 }],
  });
  const third = await socket.next("Transition");
  expect(first["startVersion"]).toEqual({ querySet: 0, identity: 0, ts: "AAAAAAAAAAA=" });
  expect([second["startVersion"], third["startVersion"]]).toEqual([
    first["endVersion"],
    second["endVersion"],
  ]);
  expect(third["modifications"]).toEqual([{ type: "QueryRemoved", queryId: 0 }]);
  socket.close();
});
