import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { EngineClient } from "../../../embedded/engineClient.ts";
import type { SocketEvent } from "../../../embedded/protocol/mainMessages.ts";
import { SyncSocket } from "../../../embedded/sync/syncSocket.ts";

let server: WebSocketServer;

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", autoPong: false });
  await once(server, "listening");
});

afterAll(() => server.close());

/** A client, and the server's end of its socket with a session that takes nothing by itself. */
async function connected() {
  const passed: number[] = [];
  const wake = { taken: (): void => undefined };
  const engine = {
    tellSocketEvent: (event: SocketEvent) => {
      if (event.kind !== "socketMessage") return;
      passed.push(event.frameLength);
      wake.taken();
    },
  } as unknown as EngineClient;
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [webSocket] = (await once(server, "connection")) as [WebSocket];
  const adminKey = { text: "", matches: () => false };
  const socket = new SyncSocket({ socketId: 1, webSocket, takesChunks: true, engine, adminKey });
  if (client.readyState !== WebSocket.OPEN) await once(client, "open");
  return { client, webSocket, socket, passed, wake };
}

test("a socket is read no further than a megabyte ahead of its session", async () => {
  const { client, webSocket, socket, passed, wake } = await connected();
  const frame = JSON.stringify({ type: "Event", eventType: "x", event: "x".repeat(256 * 1024) });
  const count = 64;
  for (let sent = 0; sent < count; sent++) client.send(frame);
  await expect.poll(() => webSocket.isPaused).toBe(true);
  expect(passed.length).toBeLessThanOrEqual(6);
  // From now on the session takes what it is passed, and the rest comes.
  wake.taken = () => socket.taken(frame.length);
  socket.taken(passed.length * frame.length);
  await expect.poll(() => passed.length).toBe(count);
  client.terminate();
});

test("a ping is answered, unless the client leaves the answers unread", async () => {
  const { client, webSocket } = await connected();
  client.ping("alive");
  const [answer] = (await once(client, "pong")) as [Buffer];
  expect(answer.toString()).toBe("alive");
  Object.defineProperty(webSocket, "bufferedAmount", { value: 10_000_000 });
  let pongs = 0;
  client.on("pong", () => (pongs += 1));
  client.ping("unread");
  client.send('{"type":"Nonsense"}');
  await once(client, "close");
  expect(pongs).toBe(0);
});
