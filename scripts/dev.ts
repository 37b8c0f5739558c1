/**
 * `npm run dev`: the whole of Duet on this machine, with one URL at the end.
 *
 *   ports free? -> demo model server (no key set) -> embedded deployment -> its environment
 *               -> convex dev (push, watch, function logs) -> Vite -> banner
 *
 * With CONVEX_SELF_HOSTED_URL or CONVEX_DEPLOYMENT set, that deployment stands in for the embedded one.
 */
import { printBanner } from "./banner.ts";
import { pushAndWatch } from "./convexDev.ts";
import type { RunningChild } from "./childProcess.ts";
import { Lifetime } from "./lifetime.ts";
import { startDemo, startEmbedded, type EmbeddedAddress } from "./services.ts";
import { setDeploymentEnvironment } from "./deploymentVariables.ts";
import { takenPorts } from "./portCheck.ts";
import { startWebApp } from "./webApp.ts";
import {
  chooseDataFolder,
  chooseTarget,
  deploymentEnvironment,
  hasRealModel,
  readPorts,
  readVariables,
  type Ports,
  type Variables,
} from "./settings.ts";

const lifetime = new Lifetime();

/** The first exit code counts. */
async function stopAll(exitCode: number): Promise<void> {
  process.exitCode ??= exitCode;
  await lifetime.end();
  process.exit();
}

/** Only the first reason is told: what ends after it ends because of it. */
function fail(sentence: string): Promise<void> {
  if (!lifetime.isEnding) process.stderr.write(`\n${sentence}\n`);
  return stopAll(1);
}

/** Ends everything when one of the parts ends on its own: half of Duet is worse than none. */
function endTogether(child: RunningChild): void {
  lifetime.own(() => child.stop());
  void child.ended.then((how) => {
    if (!lifetime.isEnding) void fail(`${child.name} ended (${how}); what it said last stands above.`);
  });
}

async function startLocalServices(variables: Variables, ports: Ports): Promise<EmbeddedAddress> {
  const demoUrl = hasRealModel(variables) ? null : await startDemo(ports.demo, endTogether);
  const origins = [`http://127.0.0.1:${ports.app}`, `http://localhost:${ports.app}`];
  const embedded = await startEmbedded(ports, chooseDataFolder(variables), origins, endTogether);
  await setDeploymentEnvironment(embedded, deploymentEnvironment(variables, origins, demoUrl));
  return embedded;
}

async function main(): Promise<void> {
  const variables = readVariables();
  const ports = readPorts(variables);
  const target = chooseTarget(variables);
  const local = target.kind === "embedded";
  const wanted: (keyof Ports)[] = local
    ? ["app", "deployment", "site", ...(hasRealModel(variables) ? [] : (["demo"] as const))]
    : ["app"];
  const taken = await takenPorts(ports, wanted);
  if (taken !== null) return fail(taken);

  const embedded = local ? await startLocalServices(variables, ports) : null;
  const push = pushAndWatch(embedded);
  endTogether(push.child);
  if (!(await push.firstPush)) return;

  const app = await startWebApp(ports.app, embedded);
  lifetime.own(app.close);
  printBanner({
    appUrl: app.url,
    target,
    embedded,
    dataFolder: chooseDataFolder(variables),
    demo: local && !hasRealModel(variables),
  });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (!lifetime.isEnding) process.stdout.write("\nStopping Duet …\n");
    void stopAll(0);
  });
}

// Whoever read the output may go first, as `| head` does: that must not keep the rest from its end.
for (const output of [process.stdout, process.stderr]) output.on("error", () => void stopAll(1));
process.on("uncaughtException", (error) => void fail(error.stack ?? error.message));

try {
  await main();
} catch (error) {
  await fail(error instanceof Error ? error.message : String(error));
}
