/** Upgrades at their edges: connections that end in the middle, and requests no client would send. */
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openAdminKey } from "../../../embedded/auth/adminKey.ts";
import type { EngineClient, SocketRelay } from "../../../embedded/engineClient.ts";
import type { SocketEvent } from "../../../embedded/protocol/mainMessages.ts";
import { createSyncSockets } from "../../../embedded/sync/syncSockets.ts";
import { WebSocket } from "ws";
import { startEmbedded, type EmbeddedReady } from "../../support/embeddedDeployment.ts";
import { RawConnection } from "../../support/rawHttp.ts";
import type { ServiceProcess } from "../../support/serviceProcess.ts";

let dataFolder: string;
/** A process of its own: what goes wrong here would end this one. */
let running: ServiceProcess<EmbeddedReady>;

beforeAll(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), "sync-sockets-"));
  running = await startEmbedded(dataFolder, 0, 0);
});

afterAll(async () => {
  await running.end("SIGTERM");
  rmSync(dataFolder, { recursive: true });
});

const upgrade = [
  "Host: deployment",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

async function status(): Promise<number> {
  return (await fetch(`${running.ready.url}/version`)).status;
}

test.each(["/elsewhere", "/api/sync"])("a reset after an upgrade to %s ends nothing else", async (path) => {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const client = await RawConnection.open(running.ready.url);
    client.send([`GET ${path} HTTP/1.1`, ...upgrade]);
    if (attempt % 2 === 0) await client.until("\r\n\r\n");
    client.reset();
  }
  expect(await status()).toBe(200);
});

test.each([
  ["//[", "400 Bad Request"],
  ["//host/api/sync", "400 Bad Request"],
  ["/elsewhere", "404 Not Found"],
  ["/api/1.48.0/sync", "101 Switching Protocols"],
])("an upgrade to %s is answered with %s", async (path, answer) => {
  const client = await RawConnection.open(running.ready.url);
  client.send([`GET ${path} HTTP/1.1`, ...upgrade]);
  expect(await client.until("\r\n\r\n")).toContain(`HTTP/1.1 ${answer}\r\n`);
  client.cut();
  expect(await status()).toBe(200);
});

test("a client that resets while the deployment starts is forgotten", async () => {
  const server = createServer();
  const sockets = createSyncSockets(
    openAdminKey(dataFolder, "test", undefined),
    () => null,
    () => {
      throw new Error("nobody asks an engine that has not started");
    },
  );
  sockets.attach(server, new Promise(() => undefined));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    sockets.close();
    server.close();
  });
  const client = await RawConnection.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const upgraded = once(server, "upgrade");
  client.send(["GET /api/sync HTTP/1.1", ...upgrade]);
  const [, stream] = (await upgraded) as [unknown, Duplex];
  const closed = new Promise((resolve) => stream.once("close", resolve));
  // As it is read once the start is over. Without a listener the reset would be an uncaught error here.
  stream.resume();
  client.reset();
  await closed;
  expect(server.listening).toBe(true);
});

interface Wired {
  url: string;
  /** What the engine was told: kind of event, socket, and the rest. */
  told: unknown[][];
  relay: SocketRelay;
  /** One check of who is alive. */
  check: () => void;
}

/** Sockets in front of an engine that only writes down what it is told. */
async function wire(): Promise<Wired> {
  const told: unknown[][] = [];
  const relayed = Promise.withResolvers<SocketRelay>();
  const engine = {
    tellSocketEvent: ({ kind, socketId, ...rest }: SocketEvent) =>
      told.push([kind, socketId, ...Object.values(rest)]),
    relayTo: relayed.resolve,
  } as unknown as EngineClient;
  const server = createServer();
  let check = (): void => undefined;
  const sockets = createSyncSockets(
    openAdminKey(dataFolder, "test", undefined),
    () => null,
    () => engine,
    (_intervalMs, tick) => {
      check = tick;
      return () => undefined;
    },
  );
  sockets.attach(server, Promise.resolve());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    sockets.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/api/1.48.0/sync`;
  return { url, told, relay: await relayed.promise, check: () => check() };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("a peer that neither reads nor answers is given up after two minutes of checks, one that answers is not", async () => {
  const { url, told, check } = await wire();
  const vanished = new WebSocket(url, { autoPong: false });
  const alive = new WebSocket(url);
  onTestFinished(() => alive.terminate());
  const closed = once(vanished, "close");
  await Promise.all([once(alive, "open"), once(vanished, "open")]);
  await until(() => told.length === 2);
  for (let count = 0; count < 6; count++) {
    check();
    if (alive.readyState === WebSocket.OPEN) await once(alive, "ping");
    // Its pong has arrived once what it sent after it has.
    alive.send(JSON.stringify({ type: "Event", eventType: "after pong", event: count }));
    await until(() => told.filter(([method]) => method === "socketMessage").length === count + 1);
  }
  await closed;
  expect(told.filter(([method]) => method === "socketClosed")).toHaveLength(1);
  expect(alive.readyState).toBe(WebSocket.OPEN);
});

test("after a thousand unanswered mutations a socket is not read before half of them are answered", async () => {
  const { url, told, relay } = await wire();
  const client = new WebSocket(url);
  onTestFinished(() => client.terminate());
  await once(client, "open");
  const mutation = { type: "Mutation", udfPath: "a:b", args: [{ text: "x".repeat(100) }] };
  for (let requestId = 0; requestId < 3000; requestId++)
    client.send(JSON.stringify({ ...mutation, requestId }));
  const messages = (): number => told.filter(([method]) => method === "socketMessage").length;
  await until(() => messages() >= 1000);
  for (let answered = 0; answered < 3000; answered++) {
    // What one chunk of the wire still held comes through.
    expect(messages() - answered).toBeLessThan(2000);
    relay.send(1, `{"type":"MutationResponse","requestId":${answered}}`);
    await until(() => messages() > answered + 1 || messages() === 3000);
  }
  expect(messages()).toBe(3000);
});

test("a client that does not read its answers is cut off", async () => {
  const { url, told, relay } = await wire();
  const client = new WebSocket(url);
  await once(client, "open");
  const { _socket: wire_ } = client as unknown as { _socket: Socket };
  wire_.pause();
  const answer = `{"type":"ActionResponse","result":"${"x".repeat(1_000_000)}"}`;
  for (let count = 0; count < 40; count++) relay.send(1, answer);
  await until(() => told.some(([method]) => method === "socketClosed"));
  expect(told.filter(([method]) => method === "socketBehind")).toEqual([["socketBehind", 1, true]]);
  client.terminate();
});

test("a large transition goes in pieces to clients that put them together, and no pair of surrogates is cut", async () => {
  const { url, relay } = await wire();
  const frame = `{"type":"Transition",${" ".repeat(999_999 - 21)}"${"\u{1F600}".repeat(600_000)}"}`;
  const [modern, old] = [new WebSocket(url), new WebSocket(url.replace("1.48.0", "1.27.3"))];
  onTestFinished(() => [modern, old].forEach((socket) => socket.terminate()));
  const received = await Promise.all(
    [modern, old].map(async (socket, place) => {
      const frames: string[] = [];
      socket.on("message", (data: Buffer) => frames.push(data.toString("utf8")));
      await once(socket, "open");
      relay.send(place + 1, frame);
      relay.send(place + 1, "last");
      await until(() => frames.at(-1) === "last");
      return frames.slice(0, -1);
    }),
  );
  expect(received[1]).toEqual([frame]);
  const pieces = received[0]!.map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(pieces.map(({ type, partNumber, totalParts }) => [type, partNumber, totalParts])).toEqual(
    [0, 1, 2].map((part) => ["TransitionChunk", part, 3]),
  );
  expect(pieces.map(({ chunk }) => chunk).join("")).toBe(frame);
});
