/** Starts the embedded deployment and the demo model server, and waits for the line with which each says that it is ready. */
import { join } from "node:path";
import { startChild, type RunningChild } from "./childProcess.ts";
import { rootFolder, type Ports } from "./settings.ts";

export interface EmbeddedAddress {
  url: string;
  siteUrl: string;
  adminKey: string;
}

/** `onSpawn` gets the process before it is ready, so that it can be ended while it starts. */
export type OnSpawn = (child: RunningChild) => void;

export async function startEmbedded(
  ports: Ports,
  dataFolder: string,
  appOrigins: readonly string[],
  onSpawn: OnSpawn,
): Promise<EmbeddedAddress> {
  const ready = await startService("convex", "embedded deployment ready ", onSpawn, [
    join(rootFolder, "embedded", "main.ts"),
    "--data",
    dataFolder,
    "--port",
    String(ports.deployment),
    "--site-port",
    String(ports.site),
    // Everybody who reaches this deployment is its one user: no page but the app's may.
    ...appOrigins.flatMap((origin) => ["--allow-origin", origin]),
  ]);
  return ready as unknown as EmbeddedAddress;
}

/** Resolves to the URL of the demo model server. */
export async function startDemo(port: number, onSpawn: OnSpawn): Promise<string> {
  const ready = await startService("demo", "demo model server ready ", onSpawn, [
    join(rootFolder, "demo", "main.ts"),
    "--port",
    String(port),
  ]);
  return String(ready["url"]);
}

/** @throws Error with a sentence when the process ends before it is ready. */
async function startService(
  name: string,
  readyPrefix: string,
  onSpawn: OnSpawn,
  args: readonly string[],
): Promise<Record<string, unknown>> {
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
  onSpawn(child);
  const outcome = await Promise.race([ready, child.ended]);
  if (typeof outcome === "string") {
    throw new Error(`${name} did not start (${outcome}); what it said stands above.`);
  }
  return outcome;
}
