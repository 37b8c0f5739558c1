/**
 * A TCP proxy that fails the way networks do, for all its connections or for chosen ones: it cuts them, falls silent in
 * one direction while both ends believe the connection alive, lets bytes trickle, swallows answers, or is not there.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export type Direction = "up" | "down";

const host = "127.0.0.1";
const rememberedBytes = 64 * 1024;
const trickleTickMs = 50;

/** Null: every connection. */
export type Choice = ((connection: LinkConnection) => boolean) | null;

export class FaultyLink {
  readonly url: string;
  readonly connections = new Set<LinkConnection>();
  /** What befalls a connection from its first byte on. */
  private readonly heldFromStart = new Set<Direction>();
  private isRefusing = false;
  private trickleBytes: number | null = null;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.url = `http://${host}:${(server.address() as AddressInfo).port}`;
  }

  static async open(targetUrl: string): Promise<FaultyLink> {
    const targetPort = Number(new URL(targetUrl).port);
    let link: FaultyLink | null = null;
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) =>
      link?.accept(client, targetPort),
    );
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    link = new FaultyLink(server);
    return link;
  }

  /** Both ends see a reset, as from a router that lost power. Says how many connections there were. */
  cut(choice: Choice = null): number {
    const chosen = this.chosen(choice);
    for (const connection of chosen) connection.cut();
    return chosen.length;
  }

  /** Without a choice also for connections to come. */
  hold(direction: Direction, choice: Choice = null): number {
    if (choice === null) this.heldFromStart.add(direction);
    const chosen = this.chosen(choice);
    for (const connection of chosen) connection.hold(direction);
    return chosen.length;
  }

  resume(choice: Choice = null): void {
    if (choice === null) this.heldFromStart.clear();
    for (const connection of this.chosen(choice)) connection.resume();
  }

  /** Bytes from the server, of the connections that are there, go nowhere from now on. */
  swallowAnswers(choice: Choice = null): number {
    const chosen = this.chosen(choice);
    for (const connection of chosen) connection.isSwallowing = true;
    return chosen.length;
  }

  /** Lets so many bytes a second through to the client; null: all. */
  trickle(bytesPerSecond: number | null): void {
    this.trickleBytes = bytesPerSecond === null ? null : Math.max(1, (bytesPerSecond * trickleTickMs) / 1000);
    for (const connection of this.connections) connection.setTrickle(this.trickleBytes);
  }

  refuse(isRefusing: boolean): void {
    this.isRefusing = isRefusing;
  }

  /** As if no fault had been. */
  heal(): void {
    this.isRefusing = false;
    this.trickle(null);
    this.resume();
    // What was swallowed is lost: such a connection is of no use any more.
    this.cut((connection) => connection.isSwallowing);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private chosen(choice: Choice): LinkConnection[] {
    return [...this.connections].filter((connection) => choice === null || choice(connection));
  }

  private accept(client: Socket, targetPort: number): void {
    if (this.isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ port: targetPort, host, noDelay: true, allowHalfOpen: true });
    const connection = new LinkConnection(client, upstream, () => this.connections.delete(connection));
    this.connections.add(connection);
    for (const direction of this.heldFromStart) connection.hold(direction);
    connection.setTrickle(this.trickleBytes);
  }
}

export class LinkConnection {
  /** The newest bytes that the client sent, as latin1. */
  sent = "";
  /** Bytes that came from the server, delivered or not. */
  answered = 0;
  isSwallowing = false;
  private readonly flows: Record<Direction, Flow>;
  private readonly sockets: Socket[];

  constructor(client: Socket, upstream: Socket, onClose: () => void) {
    this.sockets = [client, upstream];
    this.flows = { up: new Flow(client, upstream), down: new Flow(upstream, client) };
    client.on("data", (bytes) => {
      this.sent = (this.sent + bytes.toString("latin1")).slice(-rememberedBytes);
      this.flows.up.push(bytes);
    });
    upstream.on("data", (bytes) => {
      this.answered += bytes.length;
      if (!this.isSwallowing) this.flows.down.push(bytes);
    });
    client.on("end", () => this.flows.up.end());
    upstream.on("end", () => this.flows.down.end());
    for (const socket of this.sockets) {
      // What goes wrong on one side is shown to the other by closing it; "close" follows every error.
      socket.on("error", () => socket.destroy());
      socket.on("close", (hadError) => {
        if (this.sockets.every(({ destroyed }) => destroyed)) onClose();
        if (hadError) this.cut();
        else this.flows.up.finish();
        this.flows.down.finish();
      });
    }
  }

  hold(direction: Direction): void {
    this.flows[direction].isHeld = true;
  }

  resume(): void {
    for (const flow of Object.values(this.flows)) flow.resume();
  }

  setTrickle(bytesPerTick: number | null): void {
    this.flows.down.setTrickle(bytesPerTick);
  }

  cut(): void {
    for (const socket of this.sockets) {
      if (!socket.destroyed) socket.resetAndDestroy();
    }
  }
}

/** One direction of a connection. Whoever sends into it feels it stop, as with a full window. */
class Flow {
  isHeld = false;
  private readonly from: Socket;
  private readonly to: Socket;
  private queue: Buffer[] = [];
  private hasEnded = false;
  private bytesPerTick: number | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(from: Socket, to: Socket) {
    this.from = from;
    this.to = to;
    to.on("drain", () => this.from.resume());
  }

  push(bytes: Buffer): void {
    this.queue.push(bytes);
    this.move();
  }

  end(): void {
    this.hasEnded = true;
    this.move();
  }

  /** Nothing more comes; what has come is still delivered if the other end lives. */
  finish(): void {
    if (this.from.destroyed && !this.hasEnded) this.end();
  }

  resume(): void {
    this.isHeld = false;
    this.move();
  }

  setTrickle(bytesPerTick: number | null): void {
    this.bytesPerTick = bytesPerTick;
    this.move();
  }

  private move(): void {
    if (this.to.destroyed) {
      this.queue = [];
      return;
    }
    if (this.isHeld) {
      this.from.pause();
      return;
    }
    if (this.bytesPerTick !== null && this.queue.length > 0) {
      this.timer ??= setTimeout(() => this.tick(), trickleTickMs);
      this.from.pause();
      return;
    }
    let hasRoom = true;
    for (const bytes of this.queue.splice(0)) hasRoom = this.to.write(bytes);
    if (this.hasEnded) this.to.end();
    else if (hasRoom) this.from.resume();
    else this.from.pause();
  }

  private tick(): void {
    this.timer = null;
    if (!this.isHeld && this.bytesPerTick !== null && !this.to.destroyed) {
      const all = Buffer.concat(this.queue.splice(0));
      this.to.write(all.subarray(0, this.bytesPerTick));
      if (all.length > this.bytesPerTick) this.queue.push(all.subarray(this.bytesPerTick));
    }
    this.move();
  }
}
