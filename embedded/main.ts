/**
 * `node embedded/main.ts --data DIR --port N --site-port N`: one deployment until SIGTERM or SIGINT. Prints
 * `embedded deployment ready {"url":…,"siteUrl":…,"adminKey":…}` when it takes requests. Exit code 2: it could not
 * start for a reason the sentence on stderr names; 1: it failed later.
 */
import { parseArgs } from "node:util";
import { startDeployment, type Deployment, type DeploymentOptions } from "./deployment.ts";
import { asDeploymentError } from "./protocol/deploymentError.ts";

const usage = `Usage: node embedded/main.ts --data DIR --port N --site-port N [options]
  --data DIR           folder that keeps the database and the admin key
  --port N             deployment port: HTTP API and WebSocket (0 picks a free one)
  --site-port N        port of HTTP actions (0 picks a free one)
  --host ADDRESS       interface of both ports, 127.0.0.1 by default
  --allow-remote       needed for any other interface than loopback
  --admin-key KEY      instead of the key kept in the folder
  --instance-name NAME "embedded" by default
  --allow-origin ORIGIN origin whose pages in browsers may use the deployment port, any by default; may be repeated`;

const loopbackHosts = new Set(["127.0.0.1", "::1", "localhost"]);

class UsageError extends Error {}

function readOptions(): DeploymentOptions {
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      port: { type: "string" },
      "site-port": { type: "string" },
      host: { type: "string", default: "127.0.0.1" },
      "allow-remote": { type: "boolean", default: false },
      "admin-key": { type: "string" },
      "instance-name": { type: "string" },
      "allow-origin": { type: "string", multiple: true },
    },
  });
  if (values.data === undefined) throw new UsageError("--data is missing.");
  if (!loopbackHosts.has(values.host) && !values["allow-remote"]) {
    throw new UsageError(
      `--host ${values.host} would serve other machines too. If that is meant, add --allow-remote and put TLS in front.`,
    );
  }
  return {
    dataDir: values.data,
    port: readPort("--port", values.port),
    sitePort: readPort("--site-port", values["site-port"]),
    host: values.host,
    instanceName: values["instance-name"],
    adminKey: values["admin-key"],
    allowedOrigins: values["allow-origin"]?.map(checkedOrigin),
  };
}

function readPort(flag: string, text: string | undefined): number {
  const port = Number(text);
  if (text === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`${flag} must be a number from 0 to 65535.`);
  }
  return port;
}

/** Compared with what browsers send as text, so it must be written as they write it. */
function checkedOrigin(text: string): string {
  const origin = URL.parse(text)?.origin ?? "null";
  if (origin === text && origin !== "null") return origin;
  const remedy = origin === "null" ? "scheme, host and port, such as http://127.0.0.1:5173" : origin;
  throw new UsageError(`--allow-origin ${text} is no origin. Write ${remedy}`);
}

/** parseArgs throws a TypeError for an unknown flag: that too is a matter of usage. */
function optionsOrExit(): DeploymentOptions {
  try {
    return readOptions();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

async function startOrExit(options: DeploymentOptions): Promise<Deployment> {
  try {
    return await startDeployment(options);
  } catch (thrown) {
    const error = asDeploymentError(thrown);
    console.error(error.code === "Internal" ? (error.stack ?? error.message) : error.message);
    process.exit(2);
  }
}

// What is in the data folder is its owner's only.
process.umask(0o077);
// Functions see UTC, as on Convex. Before the threads start: they take it from here.
process.env["TZ"] = "UTC";
const deployment = await startOrExit(optionsOrExit());
const { url, siteUrl, adminKey } = deployment;
console.log(`embedded deployment ready ${JSON.stringify({ url, siteUrl, adminKey })}`);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    void deployment.close().then(() => process.exit(0));
  });
}
// Started by a program over a channel: when that program is gone, however it ended, this process ends in order.
process.once("disconnect", () => void deployment.close().then(() => process.exit(0)));
process.channel?.unref();
void deployment.failed.then((error) => {
  console.error(error.message);
  process.exit(1);
});
