/** `node demo/main.ts [--port N]`: the demo model server as a process of its own. */
import { parseArgs } from "node:util";
import { startModelServer, type ModelServer } from "./modelServer.ts";

async function main(): Promise<void> {
  const port = parsePort();
  let server: ModelServer;
  try {
    server = await startModelServer({ port });
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    fail(
      taken
        ? `Port ${port} is taken by another program. Stop it, or start the demo model server with --port and another number (0: any free one).`
        : `The demo model server cannot listen on port ${port}: ${String(error)}`,
    );
  }
  console.log(`demo model server ready ${JSON.stringify({ url: server.url })}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void server.close());
  }
  // Started by a program over a channel: when that program is gone, however it ended, nobody needs this server.
  process.once("disconnect", () => void server.close());
  process.channel?.unref();
}

function parsePort(): number {
  let value: string | undefined;
  try {
    value = parseArgs({ options: { port: { type: "string" } } }).values.port;
  } catch (error) {
    fail(`${(error as Error).message}. Usage: node demo/main.ts [--port N]`);
  }
  const port = Number(value ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    fail(`--port ${value}: expected a number from 0 to 65535`);
  }
  return port;
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

await main();
