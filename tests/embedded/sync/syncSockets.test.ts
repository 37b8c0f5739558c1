/** Upgrades at their edges: connections that end in the middle, and requests no client would send. */
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openAdminKey } from "../../../embedded/auth/adminKey.ts";
import { createSyncSockets } from "../../../embedded/sync/syncSockets.ts";
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
