/**
 * The command line: `node embedded/main.ts --data DIR --port N --site-port N` runs one deployment until SIGTERM or SIGINT,
 * and prints `embedded deployment ready {"url":…,"siteUrl":…,"localUrl":…,"localSiteUrl":…,"adminKey":…}` when it takes
 * requests; `backup` and `restore` work on a data folder. Exit code 2: it could not begin for a reason the sentence on stderr names; 1: it failed later.
 */
import { createBackup } from "./backup/createBackup.ts";
import { restoreBackup } from "./backup/restoreBackup.ts";
import { readCommand, usage, UsageError, type Command } from "./commandLine.ts";
import { startDeployment, type Deployment, type DeploymentOptions } from "./deployment.ts";
import { asDeploymentError } from "./protocol/deploymentError.ts";

/** npm passes on the Ctrl-C that the terminal has sent here too: both are one. */
const sameSignalMs = 1_000;

async function run(command: Command): Promise<void> {
  switch (command.kind) {
    case "help":
      console.log(usage);
      return;
    case "backup": {
      const { databaseBytes, files, fileBytes } = await createBackup({ ...command, nowMs: Date.now });
      console.log(
        `Backed up ${command.dataDir} to ${command.to}: ${megabytes(databaseBytes)} of database, ${files} files of ${megabytes(fileBytes)}.`,
      );
      return;
    }
    case "restore": {
      const { createdMs, files } = restoreBackup({ ...command, nowMs: Date.now });
      console.log(
        `Restored ${command.dataDir} as it was on ${new Date(createdMs).toISOString()}, with ${files} files. Its admin key is made at the first start.`,
      );
      return;
    }
    case "start":
      await serve(command.options, command.stopGraceMs);
      return;
    default:
      command satisfies never;
  }
}

async function serve(options: DeploymentOptions, stopGraceMs: number): Promise<void> {
  const deployment = await startDeployment(options);
  const { url, siteUrl, localUrl, localSiteUrl, adminKey } = deployment;
  const ready = { url, siteUrl, localUrl, localSiteUrl, adminKey };
  console.log(`embedded deployment ready ${JSON.stringify(ready)}`);
  if (process.stdout.isTTY) console.log(pushHint(deployment));
  stopOnSignals(deployment, stopGraceMs);
  void deployment.failed.then((error) => {
    console.error(error.message);
    process.exit(1);
  });
}

function pushHint({ url, adminKey }: Deployment): string {
  return `Push an app to it from its folder:\n  CONVEX_SELF_HOSTED_URL=${url} CONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}' npx convex dev`;
}

function stopOnSignals(deployment: Deployment, stopGraceMs: number): void {
  let stoppedAtMs: number | null = null;
  const stop = (): void => {
    if (stoppedAtMs !== null) return;
    stoppedAtMs = performance.now();
    void deployment.stop(stopGraceMs).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(asDeploymentError(error).message);
        process.exit(1);
      },
    );
  };
  const onSignal = (): void => {
    if (stoppedAtMs !== null && performance.now() - stoppedAtMs > sameSignalMs) process.exit(1);
    stop();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // Started by a program over a channel: when that program is gone, however it ended, this process ends in order.
  process.once("disconnect", stop);
  process.channel?.unref();
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

// What is in the data folder, and in a backup of it, is its owner's only.
process.umask(0o077);
// Functions see UTC, as on Convex. Before the threads start: they take it from here.
process.env["TZ"] = "UTC";
try {
  await run(readCommand(process.argv.slice(2)));
} catch (thrown) {
  if (thrown instanceof UsageError) console.error(`${thrown.message}\n${usage}`);
  else {
    const error = asDeploymentError(thrown);
    console.error(error.code === "Internal" ? (error.stack ?? error.message) : error.message);
  }
  process.exit(2);
}
