/**
 * TCP proxies that can cut live connections, as a router that restarts does: both ends see a reset; or mute them, as one
 * that forgot them does: nothing arrives any more, and nobody is told. They have a control port
 * (`POST /cut?containing=<text>`, `POST /mute?…`), because the tests that cut run in other processes than the stack.
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
    const containing = searchParams.getAll("containing").filter((text) => text !== "");
    const harm = harms[pathname];
    if (request.method !== "POST" || harm === undefined || containing.length === 0) {
      response.writeHead(404).end("POST /cut?containing=<text the client sent>, or /mute");
      return;
    }
    response.end(JSON.stringify({ connections: harm(connections, containing) }));
  });
  const servers = [...proxies, control];
  await Promise.all(servers.map(listening));
  return {
    urls: proxies.map(urlOf),
    controlUrl: urlOf(control),
    cutAll: () => cut(connections, []),
    async close() {
      cut(connections, []);
      control.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** Cuts the connections whose clients sent all these texts; answers how many. */
export function cutConnections(controlUrl: string, ...texts: string[]): Promise<number> {
  return harmConnections(`${controlUrl}/cut`, texts);
}

/** Lets nothing through any more where clients sent all these texts, and closes nothing; answers how many there are. */
export function muteConnections(controlUrl: string, ...texts: string[]): Promise<number> {
  return harmConnections(`${controlUrl}/mute`, texts);
}

async function harmConnections(url: string, texts: string[]): Promise<number> {
  const query = texts.map((text) => `containing=${encodeURIComponent(text)}`).join("&");
  const response = await fetch(`${url}?${query}`, { method: "POST" });
  return ((await response.json()) as { connections: number }).connections;
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

function cut(connections: Set<ProxiedConnection>, containing: readonly string[]): number {
  const chosen = [...connections].filter(({ sent }) => containing.every((text) => sent.includes(text)));
  for (const { client, upstream } of chosen) {
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  }
  return chosen.length;
}

function mute(connections: Set<ProxiedConnection>, containing: readonly string[]): number {
  const chosen = [...connections].filter(({ sent }) => containing.every((text) => sent.includes(text)));
  for (const { client, upstream } of chosen) {
    client.unpipe(upstream).resume();
    upstream.unpipe(client).resume();
  }
  return chosen.length;
}

const harms: Record<string, typeof cut> = { "/cut": cut, "/mute": mute };

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, host, () => resolve()));
}

function urlOf(server: Server): string {
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}
