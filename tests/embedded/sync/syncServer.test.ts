/**
 * Sessions on an engine of their own, with slices of one query each. Long, because each promise of a session is one short
 * test on that engine.
 */
import { expect, onTestFinished, test } from "vitest";
import type { Caller } from "../../../embedded/protocol/calls.ts";
import type { SyncClientMessage } from "../../../embedded/protocol/syncMessages.ts";
import { Database } from "../../../embedded/store/database.ts";
import { SyncServer } from "../../../embedded/sync/syncServer.ts";
import { Turns } from "../../../embedded/turns/turns.ts";
import { appCode, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

interface Sent {
  type: string;
  requestId?: number;
  error?: string;
  modifications?: { queryId: number; value: unknown }[];
}

interface Served {
  fixture: EngineFixture;
  server: SyncServer;
  frames: Map<number, Sent[]>;
  /** Called after each query. */
  between: { run: () => void };
  closed: number[];
  /** Faults; a test that expects some takes them out. */
  logged: string[];
  identity: { answer: () => Promise<Caller> };
}

async function serve(openDatabase?: (path: string) => Database): Promise<Served> {
  const fixture = await EngineFixture.with(
    await appCode({
      "schema.ts": schema(`notes: defineTable({ board: v.string() }).index("by_board", ["board"])`),
      "notes.ts": functions(`
        export const count = query({ args: { board: v.string() }, handler: async ({ db }, { board }) =>
          (await db.query("notes").withIndex("by_board", (q) => q.eq("board", board)).collect()).length });
        export const add = mutation({ args: { board: v.string() }, handler: async ({ db }, { board }) => {
          await db.insert("notes", { board }); } });`),
    }),
    {},
    openDatabase,
  );
  const frames: Served["frames"] = new Map();
  const between = { run: (): void => undefined };
  const closed: number[] = [];
  const logged: string[] = [];
  const identity: Served["identity"] = { answer: async () => ({ kind: "anonymous" }) };
  const { engine } = fixture;
  const server = new SyncServer({
    engine,
    runQueries: (calls) => engine.runQueries(calls),
    identify: () => identity.answer(),
    send: (socketId, frame) =>
      frames.set(socketId, [...(frames.get(socketId) ?? []), JSON.parse(frame) as Sent]),
    close: (socketId) => closed.push(socketId),
    taken: () => undefined,
    log: (line) => logged.push(line),
    every: () => () => undefined,
    nowMs: fixture.timers.nowMs,
    startSlice: () => () => {
      between.run();
      return true;
    },
    turns: new Turns({ startSlice: () => () => true, monotonicMs: () => 0 }),
    monotonicMs: () => 0,
  });
  onTestFinished(async () => {
    expect(logged).toEqual([]);
    server.close();
    await fixture.close();
  });
  return { fixture, server, frames, between, closed, logged, identity };
}

function connect(server: SyncServer, socketId: number): void {
  server.socketOpened(socketId);
  server.socketMessage(socketId, {
    type: "Connect",
    sessionId: `session ${socketId}`,
    maxObservedTs: null,
    clientTs: 0,
  });
}

function watch(boards: string[]): SyncClientMessage {
  return {
    type: "ModifyQuerySet",
    baseVersion: 0,
    newVersion: 1,
    modifications: boards.map((board, queryId) => ({
      type: "Add",
      queryId,
      componentPath: "",
      name: "notes.js:count",
      argsJson: JSON.stringify({ board }),
      journal: null,
    })),
  };
}

function add(board: string, requestId = 0): SyncClientMessage {
  const argsJson = JSON.stringify({ board });
  return { type: "Mutation", requestId, componentPath: "", name: "notes.js:add", argsJson };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const boardsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `board ${index}`);

function typesOf(frames: Sent[] | undefined): string[] {
  return (frames ?? []).map(({ type }) => type);
}

test("while one session's many queries run, others are told and their mutations commit", async () => {
  const { server, frames } = await serve();
  connect(server, 1);
  connect(server, 2);
  server.socketMessage(1, watch(boardsOf(100)));
  server.socketMessage(2, watch(["mine"]));
  server.socketMessage(2, add("mine"));
  await until(() => typesOf(frames.get(2)).includes("MutationResponse"));
  await until(() => frames.get(2)?.at(-1)?.modifications?.[0]?.value === 1);
  expect(frames.get(1)).toBeUndefined();
  await until(() => frames.has(1));
  expect(frames.get(1)?.[0]?.modifications).toHaveLength(100);
});

test("one socket's flood of mutations leaves the others their turns", async () => {
  const { server, frames } = await serve();
  connect(server, 1);
  connect(server, 2);
  for (let requestId = 0; requestId < 100; requestId++) server.socketMessage(1, add("flood", requestId));
  server.socketMessage(2, add("mine"));
  await until(() => typesOf(frames.get(2)).includes("MutationResponse"));
  expect(typesOf(frames.get(1)).filter((type) => type === "MutationResponse").length).toBeLessThan(5);
});

test("a session whose queries are touched between all slices is told nevertheless", async () => {
  const { server, fixture, frames, between } = await serve();
  connect(server, 1);
  server.socketMessage(1, watch(["busy", "busier"]));
  let commits = 0;
  const write = (board: string): void =>
    void fixture.engine.runMutation({
      componentPath: "",
      name: "notes.js:add",
      argsJson: JSON.stringify({ board }),
      caller: { kind: "anonymous" },
    });
  between.run = () => {
    commits++;
    write("busy");
    write("busier");
  };
  await until(() => frames.has(1));
  between.run = () => undefined;
  const [first, second] = frames.get(1)?.[0]?.modifications ?? [];
  // Both at one moment: each commit of one has its commit of the other.
  expect(first?.value).toBe(second?.value);
  expect(commits).toBeGreaterThanOrEqual(100);
});

test("a session may watch a thousand queries, and is told the limit beyond 16,384", async () => {
  const { server, frames, closed } = await serve();
  connect(server, 1);
  server.socketMessage(1, watch(boardsOf(1000)));
  await until(() => frames.get(1)?.[0]?.modifications?.length === 1000);
  connect(server, 2);
  server.socketMessage(2, watch(boardsOf(16_385)));
  await until(() => closed.length > 0);
  expect(frames.get(2)).toMatchObject([
    { type: "FatalError", error: expect.stringContaining("16384") as string },
  ]);
});

test("a client that is behind is told nothing, and then the newest state at once", async () => {
  const { server, fixture, frames } = await serve();
  connect(server, 1);
  connect(server, 2);
  for (const socketId of [1, 2]) server.socketMessage(socketId, watch(["shared"]));
  await until(() => frames.size === 2);
  server.socketBehind(1, true);
  for (let count = 1; count <= 3; count++) {
    await fixture.mutation("notes:add", { board: "shared" });
    await until(() => frames.get(2)?.at(-1)?.modifications?.[0]?.value === count);
  }
  expect(typesOf(frames.get(1))).toEqual(["Transition"]);
  server.socketBehind(1, false);
  await until(() => frames.get(1)?.length === 2);
  expect(frames.get(1)?.[1]?.modifications?.[0]?.value).toBe(3);
  expect(frames.get(2)).toHaveLength(4);
});

const ann: Caller = {
  kind: "user",
  attributes: { tokenIdentifier: "t|ann", issuer: "t", subject: "ann" },
  token: "a token",
  expiresAtMs: Infinity,
};

function authenticate(baseVersion: number): SyncClientMessage {
  return { type: "Authenticate", baseVersion, credential: { kind: "bearer", token: "token" } };
}

test.each([
  ["a mutation", (server: SyncServer) => server.socketMessage(1, add("mine"))],
  [
    "an action",
    (server: SyncServer) => server.socketMessage(1, { ...add("mine"), type: "Action" } as SyncClientMessage),
  ],
  [
    "a change of what it watches",
    (_: SyncServer, fixture: EngineFixture) => void fixture.mutation("notes:add", { board: "mine" }),
  ],
])(
  "%s after the token has expired ends the session, and nothing is done for the user",
  async (_what, act) => {
    const { server, fixture, frames, closed, identity } = await serve();
    identity.answer = async () => ({ ...ann, expiresAtMs: fixture.timers.nowMs() + 60_000 });
    connect(server, 1);
    server.socketMessage(1, authenticate(0));
    server.socketMessage(1, watch(["mine"]));
    await until(() => frames.get(1)?.at(-1)?.type === "Transition");
    await fixture.timers.advance(60_000);
    const told = frames.get(1)?.length;
    act(server, fixture);
    await until(() => closed.length > 0);
    expect(frames.get(1)?.slice(told)).toEqual([
      {
        type: "AuthError",
        error: "Convex token identity expired",
        baseVersion: 1,
        authUpdateAttempted: false,
      },
    ]);
  },
);

test("a session whose token is renewed in time goes on", async () => {
  const { server, fixture, frames, closed, identity } = await serve();
  identity.answer = async () => ({ ...ann, expiresAtMs: fixture.timers.nowMs() + 60_000 });
  connect(server, 1);
  server.socketMessage(1, authenticate(0));
  await fixture.timers.advance(50_000);
  server.socketMessage(1, authenticate(1));
  await fixture.timers.advance(50_000);
  server.socketMessage(1, add("mine"));
  await until(() => typesOf(frames.get(1)).includes("MutationResponse"));
  expect(closed).toEqual([]);
});

test("while a token is checked nothing is told and nothing runs; then all of it, as the new user", async () => {
  const { server, fixture, frames, identity } = await serve();
  const checked = Promise.withResolvers<Caller>();
  identity.answer = () => checked.promise;
  connect(server, 1);
  server.socketMessage(1, watch(["mine"]));
  await until(() => frames.get(1)?.length === 1);
  server.socketMessage(1, authenticate(0));
  server.socketMessage(1, add("mine"));
  connect(server, 2);
  server.socketMessage(2, watch(["mine"]));
  await until(() => frames.has(2));
  await fixture.mutation("notes:add", { board: "mine" });
  await until(() => frames.get(2)?.at(-1)?.modifications?.[0]?.value === 1);
  expect(frames.get(1)).toHaveLength(1);
  checked.resolve(ann);
  await until(() => frames.get(1)?.at(-1)?.modifications?.[0]?.value === 2);
  expect(typesOf(frames.get(1)).filter((type) => type === "MutationResponse")).toHaveLength(1);
});

test("the same request on a new socket, while the first has not been answered, is one mutation", async () => {
  const { server, fixture, frames } = await serve();
  for (const socketId of [1, 2]) {
    server.socketOpened(socketId);
    server.socketMessage(socketId, {
      type: "Connect",
      sessionId: "one",
      maxObservedTs: null,
      clientTs: null,
    });
    server.socketMessage(socketId, add("once", 7));
    server.socketMessage(socketId, add("once", 8));
  }
  server.socketClosed(1);
  await until(() => typesOf(frames.get(2)).filter((type) => type === "MutationResponse").length === 2);
  expect(await fixture.query("notes:count", { board: "once" })).toBe(2);
});

test("a transition says when it was sent, for clients that tell their time", async () => {
  const { server, fixture, frames } = await serve();
  server.socketOpened(1);
  const nowMs = fixture.timers.nowMs();
  server.socketMessage(1, { type: "Connect", sessionId: "s", maxObservedTs: null, clientTs: nowMs - 5 });
  server.socketMessage(1, watch(["mine"]));
  await until(() => frames.has(1));
  expect(frames.get(1)).toMatchObject([{ clientClockSkew: -5, serverTs: nowMs * 1_000_000 }]);
});

test("mutations whose batch cannot be stored end their sockets; sent again they apply once", async () => {
  let isFull = false;
  class FullDatabase extends Database {
    override commit(): void {
      if (isFull) throw Object.assign(new Error("disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
      super.commit();
    }
  }
  const { server, fixture, frames, closed, logged } = await serve((path) => new FullDatabase(path));
  for (const socketId of [1, 2]) {
    connect(server, socketId);
    server.socketMessage(socketId, watch(["full"]));
  }
  await until(() => frames.size === 2);
  isFull = true;
  for (const socketId of [1, 2]) server.socketMessage(socketId, add("full", 1));
  await until(() => closed.length === 2);
  expect(logged.splice(0)).toEqual([1, 2].map(() => expect.stringContaining("disk is full") as string));
  expect([1, 2].map((socketId) => typesOf(frames.get(socketId)))).toEqual([["Transition"], ["Transition"]]);
  isFull = false;
  server.socketOpened(3);
  server.socketMessage(3, { type: "Connect", sessionId: "session 1", maxObservedTs: null, clientTs: null });
  for (let time = 0; time < 2; time++) server.socketMessage(3, add("full", 1));
  await until(() => typesOf(frames.get(3)).filter((type) => type === "MutationResponse").length === 2);
  expect(await fixture.query("notes:count", { board: "full" })).toBe(1);
});

test("what was sent behind a token comes in turns when the token has been checked", async () => {
  const { server, frames, identity } = await serve();
  const { promise, resolve } = Promise.withResolvers<Caller>();
  identity.answer = () => promise;
  connect(server, 1);
  connect(server, 2);
  server.socketMessage(1, authenticate(0));
  for (let requestId = 0; requestId < 20; requestId += 1)
    server.socketMessage(1, add(`board ${requestId}`, requestId));
  await turns(60);
  server.socketMessage(2, add("other"));
  resolve({ kind: "anonymous" });
  await until(() => typesOf(frames.get(2)).includes("MutationResponse"));
  const answered = (): number[] =>
    (frames.get(1) ?? []).flatMap(({ type, requestId }) => (type === "MutationResponse" ? [requestId!] : []));
  expect(answered().length).toBeLessThan(5);
  server.socketMessage(1, add("last", 20));
  await until(() => answered().length === 21);
  expect(answered()).toEqual(Array.from({ length: 21 }, (_, requestId) => requestId));
});
