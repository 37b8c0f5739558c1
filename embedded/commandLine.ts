/** What the command line asks for. Everything that is wrong with it is told in a sentence with its remedy. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import type { DeploymentOptions } from "./deployment.ts";
import { defaultLogSettings, logFormats, logLevels, type LogSettings } from "./log.ts";

export const usage = `Usage: npm run embedded -- --data DIR --port N --site-port N [options]
       npm run embedded -- backup --data DIR --to FILE
       npm run embedded -- restore --data DIR --from FILE

Runs a Convex-compatible deployment until SIGTERM or SIGINT. What runs then may end; a second signal ends it at once.
  --data DIR            folder that keeps the database, the stored files and the admin key
  --port N              deployment port: HTTP API and WebSocket (0 picks a free one)
  --site-port N         port of HTTP actions (0 picks a free one)
  --host ADDRESS        interface of both ports, 127.0.0.1 by default
  --url URL             origin by which clients reach the deployment port, https://convex.example say; by default the
                        interface and port, with loopback for all interfaces
  --site-url URL        the same for the port of HTTP actions
  --allow-remote        needed for any other interface than loopback
  --admin-key KEY       instead of the key kept in the folder
  --instance-name NAME  "embedded" by default
  --allow-origin ORIGIN origin whose pages in browsers may use the deployment port, any by default; may be repeated
  --stop-seconds N      how long what runs may take to end after the first signal; 3 by default
  --engine-heap-mb N    memory for transactions, code and caches; 4096 by default. Who needs more is ended, not the machine
  --log-format FORMAT   text or json; text by default
  --log-level LEVEL     debug, info, warn or error; warn by default. info tells each function's run, debug each request

backup makes one file of all that the folder keeps but the admin key, also while a deployment runs on it.
restore makes an empty folder, or one that does not exist, a deployment's again.`;

export type Command =
  | { kind: "help" }
  | { kind: "start"; options: DeploymentOptions; stopGraceMs: number }
  | { kind: "backup"; dataDir: string; to: string }
  | { kind: "restore"; dataDir: string; from: string };

export class UsageError extends Error {}

const loopbackHosts = new Set(["127.0.0.1", "::1", "localhost"]);
/** As long as half of what the deployment generates: nobody guesses it over a network. */
const minAdminKeyCharacters = 32;

/** @throws UsageError */
export function readCommand(args: readonly string[]): Command {
  const [first, ...rest] = args;
  if (args.includes("--help") || args.includes("-h")) return { kind: "help" };
  if (first === "backup") {
    const { data, to } = parse(rest, { data: { type: "string" }, to: { type: "string" } });
    return { kind: "backup", dataDir: required("--data", data), to: required("--to", to) };
  }
  if (first === "restore") {
    const { data, from } = parse(rest, { data: { type: "string" }, from: { type: "string" } });
    return { kind: "restore", dataDir: required("--data", data), from: required("--from", from) };
  }
  if (first !== undefined && !first.startsWith("-"))
    throw new UsageError(`There is no command ${first}. Write backup, restore, or options only to start.`);
  return readStart(args);
}

function readStart(args: readonly string[]): Command {
  const values = parse(args, {
    data: { type: "string" },
    port: { type: "string" },
    "site-port": { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    url: { type: "string" },
    "site-url": { type: "string" },
    "allow-remote": { type: "boolean", default: false },
    "admin-key": { type: "string" },
    "instance-name": { type: "string" },
    "allow-origin": { type: "string", multiple: true },
    "stop-seconds": { type: "string", default: "3" },
    "engine-heap-mb": { type: "string" },
    "log-format": { type: "string", default: defaultLogSettings.format },
    "log-level": { type: "string", default: defaultLogSettings.level },
  });
  const host = values.host;
  const adminKey = values["admin-key"];
  const isRemote = !loopbackHosts.has(host);
  if (isRemote && !values["allow-remote"]) {
    throw new UsageError(
      `--host ${host} would serve other machines too. If that is meant, add --allow-remote and put TLS in front.`,
    );
  }
  if (isRemote && adminKey !== undefined) refuseWeakKey(host, adminKey);
  const options: DeploymentOptions = {
    dataDir: required("--data", values.data),
    port: readPort("--port", values.port),
    sitePort: readPort("--site-port", values["site-port"]),
    host,
    url: readUrl("--url", values.url),
    siteUrl: readUrl("--site-url", values["site-url"]),
    instanceName: values["instance-name"],
    adminKey,
    allowedOrigins: values["allow-origin"]?.map((text) => checkedOrigin("--allow-origin", text)),
    engineHeapMb: readHeap("--engine-heap-mb", values["engine-heap-mb"]),
    log: {
      format: oneOf("--log-format", values["log-format"], logFormats),
      level: oneOf("--log-level", values["log-level"], logLevels),
    } satisfies LogSettings,
  };
  return {
    kind: "start",
    options,
    stopGraceMs: readSeconds("--stop-seconds", values["stop-seconds"]) * 1000,
  };
}

function readHeap(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const megabytes = Number(text);
  if (Number.isInteger(megabytes) && megabytes >= 64 && megabytes <= 65_536) return megabytes;
  throw new UsageError(`${flag} ${text} must be a number of megabytes from 64 to 65536.`);
}

function readSeconds(flag: string, text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0 && seconds <= 3600) return seconds;
  throw new UsageError(`${flag} ${text} must be a number of seconds from 0 to 3600.`);
}

/** The secret is what follows the "|", as in `<instance>|<secret>`. */
function refuseWeakKey(host: string, key: string): void {
  const secret = key.slice(key.indexOf("|") + 1);
  if (secret.length >= minAdminKeyCharacters && new Set(secret).size >= 8) return;
  throw new UsageError(
    `--host ${host} serves other machines, and the key given with --admin-key can be guessed: its secret has ` +
      `${secret.length} characters. Leave --admin-key out to have one generated, or give ${minAdminKeyCharacters} random characters or more.`,
  );
}

function parse<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
): ReturnType<typeof parseArgs<{ options: Options }>>["values"] {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // A flag that is not known or lacks its value: the message names it.
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function required(flag: string, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw new UsageError(`${flag} is missing.`);
}

function oneOf<Value extends string>(flag: string, text: string, values: readonly Value[]): Value {
  const value = values.find((one) => one === text);
  if (value !== undefined) return value;
  throw new UsageError(`${flag} ${text} is none of ${values.join(", ")}.`);
}

function readPort(flag: string, text: string | undefined): number {
  const port = Number(text);
  if (text === undefined || text.trim() === "" || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`${flag} must be a number from 0 to 65535.`);
  }
  return port;
}

/** Paths are put behind it, and what names it is compared with it as text. */
function readUrl(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (/^https?:/i.test(text)) return checkedOrigin(flag, text);
  throw new UsageError(`${flag} ${text} is no URL of a server. Write it as https://convex.example`);
}

/** Compared with what browsers send as text, so it must be written as they write it. */
function checkedOrigin(flag: string, text: string): string {
  const origin = URL.parse(text)?.origin ?? "null";
  if (origin === text && origin !== "null") return origin;
  const remedy = origin === "null" ? "scheme, host and port, such as http://127.0.0.1:5173" : origin;
  throw new UsageError(`${flag} ${text} is no origin. Write ${remedy}`);
}
