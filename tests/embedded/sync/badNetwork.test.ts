/** The official clients over connections that are cut, processes that are killed, and frames that are too large. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { startCuttingProxies } from "../../support/cuttingProxy.ts";
import { startEmbedded, type EmbeddedReady } from "../../support/embeddedDeployment.ts";
import { connectClient, watchBoard } from "../../support/liveNotes.ts";
import { createNotesApp, notes, type NotesApp } from "../../support/notesApp.ts";
import type { ServiceProcess } from "../../support/serviceProcess.ts";
import { connectFrame, openSyncSocket, type Frame, type SyncSocket } from "../../support/syncSocket.ts";

let app: NotesApp;
let dataFolder: string;
let running: ServiceProcess<EmbeddedReady>;

const pages = `
  import { paginationOptsValidator } from "convex/server";
  import { v } from "convex/values";
  import { query } from "./_generated/server.js";
  export const page = query({
    args: { board: v.string(), paginationOpts: paginationOptsValidator },
    handler: async (ctx, { board, paginationOpts }) => {
      const page = await ctx.db.query("notes").withIndex("by_board", (q) => q.eq("board", board)).order("desc")
        .paginate(paginationOpts);
      return { ...page, page: page.page.map(({ text }) => text) };
    },
  });`;

beforeAll(async () => {
  app = createNotesApp();
  app.writeFile("convex/pages.ts", pages);
  dataFolder = mkdtempSync(join(tmpdir(), "bad-network-"));
  running = await startEmbedded(dataFolder, 0, 0);
  await app.push(running.ready);
});

afterAll(async () => {
  await running.end("SIGKILL");
  rmSync(dataFolder, { recursive: true });
  app.remove();
});

async function startProxy(): Promise<{ url: string; cutAll: () => number }> {
  const proxies = await startCuttingProxies([running.ready.url]);
  onTestFinished(() => proxies.close());
  return { url: proxies.urls[0]!, cutAll: () => proxies.cutAll() };
}

async function listed(board: string): Promise<string[]> {
  return await new ConvexHttpClient(running.ready.url, { logger: false }).query(notes.list, { board });
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `note ${index}`);
}

test("mutations whose connection is cut again and again apply once each, in order", async () => {
  const { url, cutAll } = await startProxy();
  const client = connectClient(url);
  onTestFinished(() => client.close());
  const board = "cut again and again";
  let [answered, cuts] = [0, 0];
  await Promise.all(
    numbered(80).map(async (text) => {
      await client.mutation(notes.add, { board, text });
      // In the middle of the answers to those that were sent together.
      if (++answered % 15 === 0) cuts += cutAll();
    }),
  );
  expect(cuts).toBeGreaterThan(2);
  expect(await listed(board)).toEqual(numbered(80));
});

test("a process that is killed while clients write keeps what it acknowledged, and replays apply once", async () => {
  const { url } = running.ready;
  const clients = Array.from({ length: 6 }, () => connectClient(url));
  onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
  let acknowledged = 0;
  const enough = Promise.withResolvers<void>();
  const all = clients.map(async (client, writer) => {
    await Promise.all(
      numbered(90).map(async (text) => {
        await client.mutation(notes.add, { board: `writer ${writer}`, text });
        if (++acknowledged === 150) enough.resolve();
      }),
    );
  });
  await enough.promise;
  await running.end("SIGKILL");
  const acknowledgedAtKill = acknowledged;
  running = await startEmbedded(dataFolder, Number(new URL(url).port), 0);
  const kept = (await Promise.all(clients.map((_, writer) => listed(`writer ${writer}`)))).flat();
  expect(kept.length).toBeGreaterThanOrEqual(acknowledgedAtKill);
  await Promise.all(all);
  for (const writer of clients.keys()) expect(await listed(`writer ${writer}`)).toEqual(numbered(90));
});

test("an optimistic update stays until the mutation is confirmed, over a cut and a replay", async () => {
  const { url, cutAll } = await startProxy();
  const client = new ConvexReactClient(url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
  });
  onTestFinished(() => client.close());
  const args = { board: "optimistic" };
  const watch = client.watchQuery(notes.list, args);
  const seen: string[][] = [];
  const stop = watch.onUpdate(() => seen.push(watch.localQueryResult() ?? []));
  onTestFinished(stop);
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  const adding = client.mutation(
    notes.add,
    { ...args, text: "mine" },
    {
      optimisticUpdate: (store) =>
        store.setQuery(notes.list, args, [...(store.getQuery(notes.list, args) ?? []), "mine"]),
    },
  );
  expect(cutAll()).toBe(1);
  await adding;
  expect(seen.at(-1)).toEqual(["mine"]);
  const first = seen.findIndex((texts) => texts.includes("mine"));
  expect(seen.slice(first)).toEqual(seen.slice(first).map(() => ["mine"]));
});

test("a client comes back with a thousand subscriptions, and is told what it missed", async () => {
  const { url, cutAll } = await startProxy();
  const client = connectClient(url);
  onTestFinished(() => client.close());
  const boards = Array.from({ length: 1000 }, (_, index) => watchBoard(client, `crowd ${index}`));
  await Promise.all(boards.map((board) => board.reached((texts) => texts.length === 0)));
  expect(cutAll()).toBe(1);
  const writer = new ConvexHttpClient(running.ready.url, { logger: false });
  await writer.mutation(notes.add, { board: "crowd 500", text: "meanwhile" });
  await boards[500]!.reached((texts) => texts.includes("meanwhile"));
  await writer.mutation(notes.add, { board: "crowd 501", text: "later" });
  await boards[501]!.reached((texts) => texts.includes("later"));
  expect(boards.flatMap(({ results }) => results.at(-1))).toEqual(["meanwhile", "later"]);
});

test("a page keeps its end across a reconnect, and a newcomer's page has its size", async () => {
  const board = "pages";
  const writer = new ConvexHttpClient(running.ready.url, { logger: false });
  for (const text of numbered(6)) await writer.mutation(notes.add, { board, text });
  const first = await pageOn(await connected(1), null);
  expect(first.value).toMatchObject({ page: ["note 5", "note 4", "note 3"] });
  await writer.mutation(notes.add, { board, text: "new" });
  const back = await pageOn(await connected(1), first.journal);
  expect(back.value).toMatchObject({ page: ["new", "note 5", "note 4", "note 3"] });
  expect(back.journal).toBe(first.journal);
  const newcomer = await pageOn(await connected(2), null);
  expect(newcomer.value).toMatchObject({ page: ["new", "note 5", "note 4"] });
});

async function connected(session: number): Promise<SyncSocket> {
  const socket = await openSyncSocket(running.ready.url);
  onTestFinished(socket.close);
  socket.send(connectFrame(`1f7e3c1e-0000-4000-8000-0000000001${session}0`));
  return socket;
}

/** First result of the first page of three. */
async function pageOn(
  socket: SyncSocket,
  journal: string | null,
): Promise<{ value: unknown; journal: string }> {
  const paginationOpts = { numItems: 3, cursor: null };
  const add = {
    type: "Add",
    queryId: 0,
    udfPath: "pages:page",
    args: [{ board: "pages", paginationOpts }],
    journal,
  };
  socket.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [add] });
  const { modifications } = (await socket.next("Transition")) as Frame & {
    modifications: [{ value: unknown; journal: string }];
  };
  return modifications[0];
}

test("the same request on a second socket of the session, while the first is under way, applies once", async () => {
  const mutation = {
    type: "Mutation",
    requestId: 3,
    udfPath: "notes:add",
    args: [{ board: "twice", text: "once" }],
  };
  const sockets = await Promise.all([connected(3), connected(3)]);
  for (const socket of sockets) socket.send(mutation);
  const [first, second] = await Promise.all(sockets.map((socket) => socket.next("MutationResponse")));
  expect(second).toEqual(first);
  expect(await listed("twice")).toEqual(["once"]);
});

test("arguments that are too large are refused with the limit, and the client goes on", async () => {
  const client = connectClient(running.ready.url);
  onTestFinished(() => client.close());
  const text = "x".repeat(20 * 1024 * 1024);
  await expect(client.mutation(notes.add, { board: "large", text })).rejects.toThrow("limit: 16 MiB");
  await client.mutation(notes.add, { board: "large", text: "small" });
  expect(await listed("large")).toEqual(["small"]);
});

test("a result of several megabytes reaches the official client whole", async () => {
  const client = connectClient(running.ready.url);
  onTestFinished(() => client.close());
  const text = "😀é".repeat(100_000);
  for (let count = 0; count < 8; count += 1) await client.mutation(notes.add, { board: "whole", text });
  const board = watchBoard(client, "whole");
  await board.reached((texts) => texts.length === 8);
  expect(board.results[0]!.every((one) => one === text)).toBe(true);
});

test("events, of whatever shape, and unknown fields disturb nobody", async () => {
  const socket = await connected(4);
  socket.send({ type: "Event", eventType: "ClientConnect", event: [{ name: "x", startTime: 1 }] });
  socket.send({ type: "Event" });
  socket.send({
    type: "Mutation",
    requestId: 0,
    udfPath: "notes:add",
    args: [{ board: "events", text: "x" }],
    future: 1,
  });
  expect(await socket.next("MutationResponse")).toMatchObject({ success: true });
});
