/** HTTP over a bare socket: what arrives, as it arrives, and connections that end in the middle. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class RawConnection {
  readonly socket: Socket;
  #text = "";
  /** Not `once(socket, "close")`, which rejects where the connection is reset: that, too, is an end. */
  readonly #closed = Promise.withResolvers<void>();
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
    socket.on("close", () => {
      this.#ended = true;
      this.#closed.resolve();
    });
    socket.on("error", () => undefined); // `close` follows
  }

  send(lines: string[], body = ""): void {
    this.socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  }

  /** Everything received so far, once it holds `part` or the connection has ended. */
  async until(part: string): Promise<string> {
    while (!this.#text.includes(part) && !this.#ended) {
      await Promise.race([new Promise((resolve) => this.socket.once("data", resolve)), this.#closed.promise]);
    }
    return this.#text;
  }

  async untilEnd(): Promise<string> {
    await this.#closed.promise;
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
