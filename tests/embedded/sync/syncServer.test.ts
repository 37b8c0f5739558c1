/** Sessions on an engine of their own, with slices of one query each. */
import { expect, onTestFinished, test } from "vitest";
import type { SyncClientMessage } from "../../../embedded/protocol/syncMessages.ts";
import { SyncServer } from "../../../embedded/sync/syncServer.ts";
import { appCode, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

interface Sent {
  type: string;
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
}

async function serve(): Promise<Served> {
  const fixture = await EngineFixture.with(
    await appCode({
      "schema.ts": schema(`notes: defineTable({ board: v.string() }).index("by_board", ["board"])`),
      "notes.ts": functions(`
        export const count = query({ args: { board: v.string() }, handler: async ({ db }, { board }) =>
          (await db.query("notes").withIndex("by_board", (q) => q.eq("board", board)).collect()).length });
        export const add = mutation({ args: { board: v.string() }, handler: async ({ db }, { board }) => {
          await db.insert("notes", { board }); } });`),
    }),
  );
  const frames: Served["frames"] = new Map();
  const between = { run: (): void => undefined };
  const closed: number[] = [];
  const { engine } = fixture;
  const server = new SyncServer({
    engine,
    runQueries: (calls) => engine.runQueries(calls),
    identify: async () => ({ kind: "anonymous" }),
    send: (socketId, frame) =>
      frames.set(socketId, [...(frames.get(socketId) ?? []), JSON.parse(frame) as Sent]),
    close: (socketId) => closed.push(socketId),
    log: (line) => {
      throw new Error(line);
    },
    every: () => () => undefined,
    startSlice: () => () => {
      between.run();
      return true;
    },
  });
  onTestFinished(async () => {
    server.close();
    await fixture.close();
  });
  return { fixture, server, frames, between, closed };
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
  expect(commits).toBeGreaterThan(100);
});

test("a session that watches too many queries is told the limit and ended", async () => {
  const { server, frames, closed } = await serve();
  connect(server, 1);
  server.socketMessage(1, watch(boardsOf(513)));
  await until(() => closed.length > 0);
  expect(frames.get(1)).toMatchObject([
    { type: "FatalError", error: expect.stringContaining("512") as string },
  ]);
});
