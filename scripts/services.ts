/** Starts the embedded deployment and the demo model server, and waits for the line with which each says that it is ready. */
import { join } from "node:path";
import { startChild, type RunningChild } from "./childProcess.ts";
import { rootFolder, type Ports } from "./settings.ts";

export interface EmbeddedAddress {
  url: string;
  siteUrl: string;
  adminKey: string;
}

export async function startEmbedded(
  ports: Ports,
  dataFolder: string,
): Promise<{ child: RunningChild; address: EmbeddedAddress }> {
  const { child, ready } = await startService("convex", "embedded deployment ready ", [
    join(rootFolder, "embedded", "main.ts"),
    "--data",
    dataFolder,
    "--port",
    String(ports.deployment),
    "--site-port",
    String(ports.site),
  ]);
  return { child, address: ready as unknown as EmbeddedAddress };
}

export async function startDemo(port: number): Promise<{ child: RunningChild; url: string }> {
  const { child, ready } = await startService("demo", "demo model server ready ", [
    join(rootFolder, "demo", "main.ts"),
    "--port",
    String(port),
  ]);
  return { child, url: String(ready["url"]) };
}

/** @throws Error with a sentence when the process ends before it is ready. */
async function startService(
  name: string,
  readyPrefix: string,
  args: readonly string[],
): Promise<{ child: RunningChild; ready: Record<string, unknown> }> {
  const { promise: ready, resolve } = Promise.withResolvers<Record<string, unknown>>();
  const child = startChild({
    name,
    command: process.execPath,
    args,
    env: process.env,
    cwd: rootFolder,
    onLine: (line) => {
      if (!line.startsWith(readyPrefix)) return false;
      resolve(JSON.parse(line.slice(readyPrefix.length)) as Record<string, unknown>);
      return true;
    },
  });
  const outcome = await Promise.race([ready, child.ended]);
  if (outcome === null || typeof outcome === "number") {
    throw new Error(`[${name}] did not start; what it said stands above.`);
  }
  return { child, ready: outcome };
}
