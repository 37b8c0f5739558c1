/**
 * TCP proxies that can cut live connections, as a router that loses power does: both ends see a reset. They have a
 * control port (`POST /cut?containing=<text>`), because the tests that cut run in other processes than the stack.
 */
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface CuttingProxies {
  /** In the order of the targets. */
  urls: string[];
  controlUrl: string;
  /** Cuts every connection; says how many there were. */
  cutAll(): number;
  close(): Promise<void>;
}

interface ProxiedConnection {
  client: Socket;
  upstream: Socket;
  /** The newest bytes that the client sent, as latin1. */
  sent: string;
}

const host = "127.0.0.1";
const rememberedBytes = 64 * 1024;

export async function startCuttingProxies(targetUrls: readonly string[]): Promise<CuttingProxies> {
  const connections = new Set<ProxiedConnection>();
  const proxies = targetUrls.map((targetUrl) => {
    const targetPort = Number(new URL(targetUrl).port);
    return createServer({ noDelay: true }, (client) => relay(client, targetPort, connections));
  });
  const control = createHttpServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", `http://${host}`);
    const containing = searchParams.get("containing");
    if (request.method !== "POST" || pathname !== "/cut" || !containing) {
      response.writeHead(404).end("POST /cut?containing=<text the client sent>");
      return;
    }
    response.end(JSON.stringify({ cut: cut(connections, containing) }));
  });
  const servers = [...proxies, control];
  await Promise.all(servers.map(listening));
  return {
    urls: proxies.map(urlOf),
    controlUrl: urlOf(control),
    cutAll: () => cut(connections, ""),
    async close() {
      cut(connections, "");
      control.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** Cuts the connections whose clients sent `text`; answers how many. */
export async function cutConnections(controlUrl: string, text: string): Promise<number> {
  const response = await fetch(`${controlUrl}/cut?containing=${encodeURIComponent(text)}`, {
    method: "POST",
  });
  return ((await response.json()) as { cut: number }).cut;
}

function relay(client: Socket, targetPort: number, connections: Set<ProxiedConnection>): void {
  const upstream = connect({ port: targetPort, host, noDelay: true });
  const connection: ProxiedConnection = { client, upstream, sent: "" };
  connections.add(connection);
  client.on("data", (bytes) => {
    connection.sent = (connection.sent + bytes.toString("latin1")).slice(-rememberedBytes);
  });
  client.pipe(upstream).pipe(client);
  for (const socket of [client, upstream]) {
    // What goes wrong on one side is shown to the other by closing it.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      connections.delete(connection);
      client.destroy();
      upstream.destroy();
    });
  }
}

function cut(connections: Set<ProxiedConnection>, containing: string): number {
  const chosen = [...connections].filter(({ sent }) => sent.includes(containing));
  for (const { client, upstream } of chosen) {
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  }
  return chosen.length;
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, host, () => resolve()));
}

function urlOf(server: Server): string {
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}
