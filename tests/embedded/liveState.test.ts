/** What live clients see of changes that are not writes: new code, new variables, restarts, their own slowness. */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { ConvexClient } from "convex/browser";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { startDeployment, type Deployment } from "../../embedded/deployment.ts";
import { connectClient, watchBoard, watchQuery } from "../support/liveNotes.ts";
import { createNotesApp, notes, type NotesApp } from "../support/notesApp.ts";
import { connectFrame } from "../support/syncSocket.ts";

let app: NotesApp;
let deployment: Deployment;

beforeAll(async () => {
  app = createNotesApp();
  deployment = await startDeployment({ dataDir: `${app.folder}/data`, port: 0, sitePort: 0 });
  await app.push(deployment);
});

afterAll(async () => {
  await deployment.close();
  app.remove();
});

function connect(): ConvexClient {
  const client = connectClient(deployment.url);
  onTestFinished(() => client.close());
  return client;
}

test("a subscription follows an environment variable", async () => {
  const greeting = watchQuery(connect(), notes.variable, { name: "GREETING" });
  await greeting.reached((value) => value === null);
  await app.convex(deployment, "env", "set", "GREETING", "hello");
  await greeting.reached((value) => value === "hello");
  expect(greeting.results).toEqual([null, "hello"]);
});

test("new code runs for those who are subscribed already", async () => {
  const client = connect();
  await client.mutation(notes.add, { board: "code", text: "quiet" });
  const board = watchBoard(client, "code");
  await board.reached((texts) => texts.includes("quiet"));
  const source = app.readFile("convex/notes.ts");
  app.writeFile(
    "convex/notes.ts",
    source.replace("({ text }) => text)", "({ text }) => text.toUpperCase())"),
  );
  await app.push(deployment);
  app.writeFile("convex/notes.ts", source);
  await board.reached((texts) => texts.includes("QUIET"));
  expect(board.results).toEqual([["quiet"], ["QUIET"]]);
  await app.push(deployment);
});

test("a client outlives a restart: it is told what it missed, and what it sent meanwhile applies once", async () => {
  const client = connect();
  const board = watchBoard(client, "restart");
  await client.mutation(notes.add, { board: "restart", text: "before" });
  await board.reached((texts) => texts.length === 1);
  const { port } = new URL(deployment.url);
  await deployment.close();
  const sentMeanwhile = client.mutation(notes.add, { board: "restart", text: "meanwhile" });
  deployment = await startDeployment({ dataDir: `${app.folder}/data`, port: Number(port), sitePort: 0 });
  await sentMeanwhile;
  expect(board.results.at(-1)).toEqual(["before", "meanwhile"]);
});

test("a client that reads slowly is not buffered for: it is told the newest state once it has caught up", async () => {
  const socket = new WebSocket(`${deployment.url.replace("http", "ws")}/api/1.48.0/sync`);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  socket.send(JSON.stringify(connectFrame("1f7e3c1e-0000-4000-8000-00000000000a")));
  const query = { type: "Add", queryId: 0, udfPath: "notes:list", args: [{ board: "flood" }] };
  socket.send(
    JSON.stringify({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [query] }),
  );
  await once(socket, "message");
  const { _socket: wire } = socket as unknown as { _socket: Socket };
  wire.pause();
  const writer = connect();
  // Each write sends the whole board again: 110 MB in all, were every state of it told.
  for (let note = 0; note < 20; note += 1) {
    await writer.mutation(notes.add, { board: "flood", text: String(note % 10).repeat(500_000) });
  }
  let [received, states] = [0, 0];
  const caughtUp = new Promise<void>((resolve) => {
    let pieces = "";
    socket.on("message", (data: Buffer) => {
      received += data.length;
      const frame = JSON.parse(data.toString()) as {
        type: string;
        chunk: string;
        partNumber: number;
        totalParts: number;
      };
      if (frame.type !== "TransitionChunk") return;
      pieces += frame.chunk;
      if (frame.partNumber < frame.totalParts - 1) return;
      const transition = JSON.parse(pieces) as { modifications: { value: string[] }[] };
      [pieces, states] = ["", states + 1];
      if (transition.modifications[0]?.value.length === 20) resolve();
    });
  });
  wire.resume();
  await caughtUp;
  expect(states).toBeLessThan(15);
  expect(received).toBeLessThan(80_000_000);
});
