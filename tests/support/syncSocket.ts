/** A sync WebSocket without a client behind it, to say what no client would say. */
import { once } from "node:events";
import { WebSocket } from "ws";

export type Frame = Record<string, unknown> & { type: string };

export interface SyncSocket {
  send: (frame: Frame) => void;
  /** The next frame of one of these types; those of other types before it are dropped. */
  next: (...types: string[]) => Promise<Frame>;
  /** The close code, once the server has closed. */
  closed: Promise<number>;
  close: () => void;
}

export async function openSyncSocket(deploymentUrl: string): Promise<SyncSocket> {
  const socket = new WebSocket(`${deploymentUrl.replace("http", "ws")}/api/1.48.0/sync`);
  const received: Frame[] = [];
  let wake: () => void = () => undefined;
  socket.on("message", (data: Buffer) => {
    received.push(JSON.parse(data.toString("utf8")) as Frame);
    wake();
  });
  const closed = once(socket, "close").then(([code]) => code as number);
  await once(socket, "open");
  return {
    send: (frame) => socket.send(JSON.stringify(frame)),
    async next(...types) {
      for (;;) {
        const frame = received.shift();
        if (frame !== undefined && types.includes(frame.type)) return frame;
        if (frame === undefined) await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    closed,
    close: () => socket.close(),
  };
}

export function connectFrame(sessionId: string): Frame {
  return { type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null, clientTs: 0 };
}
