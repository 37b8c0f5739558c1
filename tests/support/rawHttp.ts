/** HTTP over a bare socket: what arrives, as it arrives, and connections that end in the middle. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class RawConnection {
  readonly socket: Socket;
  #text = "";
  #ended = false;

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text) => (this.#text += String(text)));
    socket.on("close", () => (this.#ended = true));
    socket.on("error", () => undefined); // a reset is an end, too
  }

  send(lines: string[], body = ""): void {
    this.socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  }

  /** Everything received so far, once it holds `part` or the connection has ended. */
  async until(part: string): Promise<string> {
    while (!this.#text.includes(part) && !this.#ended) {
      await Promise.race([once(this.socket, "data"), once(this.socket, "close")]);
    }
    return this.#text;
  }

  async untilEnd(): Promise<string> {
    while (!this.#ended) await once(this.socket, "close");
    return this.#text;
  }

  /** As when the client's process is killed with data unread: the other side gets ECONNRESET. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** As when a cable is pulled or a tab closed. */
  cut(): void {
    this.socket.destroy();
  }
}
