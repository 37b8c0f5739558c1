/** A network between a client and the deployment that can be cut, or hold back what the deployment says. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Proxy {
  url: string;
  /** Ends every connection, as a pulled cable does; new ones go through, with answers again. */
  cut: () => void;
  /** From now on nothing that the deployment says gets through, until the next cut. */
  holdAnswers: () => void;
  close: () => Promise<void>;
}

export async function openProxy(targetUrl: string): Promise<Proxy> {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let holds = false;
  const server = createServer((client) => {
    const deployment = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, deployment],
      [deployment, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined); // a cut is what this is for; `close` follows
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (data) => deployment.write(data));
    deployment.on("data", (data) => {
      if (!holds) client.write(data);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    holds = false;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    holdAnswers() {
      holds = true;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}
