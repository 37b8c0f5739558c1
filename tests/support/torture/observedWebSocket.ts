/** The WebSocket of an official client, with an eye on the frames that arrive. */
import type { WebSocket } from "ws";
import { decodeTs } from "../../../embedded/protocol/syncMessages.ts";

interface Frame {
  type: string;
  endVersion?: { ts: string };
}

/** `onTs` hears the timestamp of each Transition, before the client does. */
export function observedWebSocket(
  WebSocketClass: typeof WebSocket,
  onTs: (ts: bigint) => void,
): typeof globalThis.WebSocket {
  class ObservedWebSocket extends WebSocketClass {
    constructor(url: string) {
      super(url);
      this.on("message", (data: Buffer) => {
        const { endVersion } = JSON.parse(data.toString("utf8")) as Frame;
        if (endVersion !== undefined) onTs(decodeTs(endVersion.ts));
      });
    }
  }
  return ObservedWebSocket as unknown as typeof globalThis.WebSocket;
}
