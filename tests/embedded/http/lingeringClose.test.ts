/** A client that still sends when its connection is ended gets the answer that says why. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { garbageCollector } from "../../../embedded/actions/realmGarbage.ts";
import { closeGently } from "../../../embedded/http/lingeringClose.ts";
import { RawConnection } from "../../support/rawHttp.ts";

async function connect(server: Server): Promise<RawConnection> {
  closeGently(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return await RawConnection.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const head = ["POST / HTTP/1.1", "Host: deployment", "Content-Length: 9000000"];

test("an answer before the end of the body arrives although the client goes on sending, and no reset follows", async () => {
  const server = createServer((_request, response) =>
    response.writeHead(413, { Connection: "close" }).end("too large"),
  );
  const client = await connect(server);
  const faults: Error[] = [];
  client.socket.on("error", (error) => faults.push(error));
  client.send(head, "x".repeat(100_000));
  // As a client does that sends first and reads then.
  client.socket.pause();
  await new Promise((resolve) => client.socket.write("x".repeat(8_000_000), resolve));
  client.socket.resume();
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 413 .*too large/s);
  expect(faults).toEqual([]);
});

test("a head that came too late gets a 408 and is no request", async () => {
  let requests = 0;
  const server = createServer(
    { headersTimeout: 20, requestTimeout: 20, connectionsCheckingInterval: 5 },
    () => requests++,
  );
  const client = await connect(server);
  client.socket.allowHalfOpen = true;
  await client.until("408 Request Timeout");
  client.send(["GET / HTTP/1.1", "Host: deployment"]);
  client.socket.end();
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*\r\n\r\n$/s);
  expect(requests).toBe(0);
});

test("who still reads a body that came too late is told that it has ended", async () => {
  const ended = Promise.withResolvers<unknown>();
  const server = createServer(
    { headersTimeout: 20, requestTimeout: 20, connectionsCheckingInterval: 5 },
    (request) => void request.toArray().then(ended.resolve, ended.resolve),
  );
  const client = await connect(server);
  client.send(head, "x");
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408 /);
  expect(await ended.promise).toBeInstanceOf(Error);
});

test.each([
  ["what is no HTTP", "nonsense\r\n\r\n", "400 Bad Request"],
  [
    "a head beyond the limit",
    `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    "431 Request Header Fields Too Large",
  ],
])("%s is refused", async (_what, text, status) => {
  const client = await connect(createServer());
  client.socket.write(text);
  expect(await client.untilEnd()).toContain(`HTTP/1.1 ${status}\r\n`);
});

test("a connection that is kept open holds nothing of its last answer", async () => {
  let answer: WeakRef<object> | undefined;
  const server = createServer((request, response) => {
    if (request.url === "/first") answer = new WeakRef(response);
    response.end("answered");
  });
  const client = await connect(server);
  client.send(["GET /first HTTP/1.1", "Host: deployment"]);
  await client.until("answered");
  const collectGarbage = garbageCollector();
  while (answer?.deref() !== undefined) {
    await new Promise(setImmediate);
    collectGarbage();
  }
  expect(client.socket.destroyed).toBe(false);
});

test("a bad request after an answer that is still being sent cuts the connection: it could not be told", async () => {
  const client = await connect(createServer((_request, response) => void response.write("half")));
  client.send(["GET / HTTP/1.1", "Host: deployment"]);
  await client.until("half");
  client.socket.write("nonsense\r\n\r\n");
  expect(await client.untilEnd()).not.toContain("400");
});

test("a tunnel that is asked for behind other requests is refused when these have been answered", async () => {
  const open: (() => void)[] = [];
  const server = createServer((request, response) =>
    open.push(() => response.end(`answer to ${request.url}`)),
  );
  const client = await connect(server);
  for (const path of ["/first", "/second"]) client.send([`GET ${path} HTTP/1.1`, "Host: deployment"]);
  client.send(["CONNECT elsewhere:443 HTTP/1.1", "Host: elsewhere:443"]);
  while (open.length < 2) await new Promise(setImmediate);
  for (const answer of open.toReversed()) answer();
  expect(await client.untilEnd()).toMatch(
    /^HTTP\/1\.1 200 .*answer to \/firstHTTP\/1\.1 200 .*answer to \/secondHTTP\/1\.1 405 /s,
  );
});

test("who asks for a tunnel and is gone before the answer to an earlier request harms nobody", async () => {
  const open: ServerResponse[] = [];
  const server = createServer((_request, response) => open.push(response));
  const client = await connect(server);
  client.send(["GET / HTTP/1.1", "Host: deployment"]);
  client.send(["CONNECT elsewhere:443 HTTP/1.1", "Host: elsewhere:443"]);
  while (open.length < 1) await new Promise(setImmediate);
  const closed = once(open[0]!, "close");
  client.reset();
  open[0]!.end("x".repeat(1_000_000));
  expect(await closed).toEqual([]);
});
