/** The embedded deployment as a process of its own, and the official CLI's push to it. */
import { convexIn } from "./convexCli.ts";
import { rootFolder, spawnService, type ServiceProcess, type StartingService } from "./serviceProcess.ts";

export interface EmbeddedReady {
  url: string;
  siteUrl: string;
  adminKey: string;
}

export interface EmbeddedStart {
  /** Further options of `embedded/main.ts`. */
  options?: readonly string[];
  environment?: Readonly<Record<string, string>>;
}

/** Port 0 is any free port. */
export async function startEmbedded(
  dataFolder: string,
  port: number,
  sitePort: number,
  start: EmbeddedStart = {},
): Promise<ServiceProcess<EmbeddedReady>> {
  const service = spawnEmbedded(dataFolder, port, sitePort, start);
  return { ...service, ready: await service.ready };
}

/** The same, for who wants to end it before it is ready. */
export function spawnEmbedded(
  dataFolder: string,
  port: number,
  sitePort: number,
  { options = [], environment = {} }: EmbeddedStart = {},
): StartingService<EmbeddedReady> {
  const where = ["--data", dataFolder, "--port", String(port), "--site-port", String(sitePort)];
  return spawnService(["embedded/main.ts", ...where, ...options], "embedded deployment ready ", environment);
}

/**
 * The official CLI, as anybody would run it in `appFolder`; what it checks besides is checked elsewhere.
 * @throws Error with all it printed when the push fails.
 */
export async function pushFunctions(deployment: EmbeddedReady, appFolder = rootFolder): Promise<void> {
  await convexIn(appFolder, deployment, "deploy", "--codegen", "disable", "--typecheck", "disable");
}
