/** A test app in a folder of its own, pushed by the official CLI, and the official clients that call it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ConvexClient, type ConvexClientOptions, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import type { Value } from "convex/values";
import { WebSocket } from "ws";
import { rootFolder } from "../../support/serviceProcess.ts";
import { cliIn, type Cli, type CliOutcome } from "../../support/convexCli.ts";
import { openTarget, type Target } from "./target.ts";

type Args = Record<string, Value>;

export interface TestApp {
  target: Target;
  /** Project folder: `convex/` and what the CLI writes beside it. */
  folder: string;
  cli: Cli;
  http: ConvexHttpClient;
  /** Each call over HTTP by "module:function", with the result as the caller says it is. */
  query: <Result = unknown>(name: string, args?: Args) => Promise<Result>;
  mutation: <Result = unknown>(name: string, args?: Args) => Promise<Result>;
  action: <Result = unknown>(name: string, args?: Args) => Promise<Result>;
  /** A client over the WebSocket, closed with the app. */
  connect: (options?: ConvexClientOptions) => ConvexClient;
  readFile: (path: string) => string;
  writeFile: (path: string, text: string) => void;
  removeFile: (path: string) => void;
  /** Pushes what is in the folder now; the types that the CLI makes and checks stay those of the first push. */
  tryPush: () => Promise<CliOutcome>;
  /** @throws with all that was printed when the push fails. */
  push: () => Promise<CliOutcome>;
  close: () => Promise<void>;
}

/** A copy of `apps/<family>`, pushed as `npx convex deploy` does it: with its types made and checked. */
export async function openApp(family: string, typecheck: "enable" | "disable" = "enable"): Promise<TestApp> {
  const app = await openAppUnpushed(family);
  try {
    const outcome = await app.cli.run(["deploy", "--typecheck", typecheck]);
    if (outcome.exitCode !== 0) throw pushFailed(family, outcome);
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

export async function openAppUnpushed(family: string): Promise<TestApp> {
  const target = await openTarget();
  const folder = copyOfApp(family);
  const cli = cliIn(folder, target);
  const http = new ConvexHttpClient(target.url, { logger: false });
  const clients: ConvexClient[] = [];
  const tryPush = (): Promise<CliOutcome> =>
    cli.run(["deploy", "--codegen", "disable", "--typecheck", "disable"]);
  return {
    target,
    folder,
    cli,
    http,
    query: async (name, args = {}) => await http.query(makeFunctionReference<"query">(name), args),
    mutation: async (name, args = {}) => await http.mutation(makeFunctionReference<"mutation">(name), args),
    action: async (name, args = {}) => await http.action(makeFunctionReference<"action">(name), args),
    connect(options) {
      const client = openClient(target.url, options);
      clients.push(client);
      return client;
    },
    readFile: (path) => readFileSync(join(folder, path), "utf8"),
    writeFile(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    removeFile: (path) => rmSync(join(folder, path), { recursive: true }),
    tryPush,
    async push() {
      const outcome = await tryPush();
      if (outcome.exitCode !== 0) throw pushFailed(family, outcome);
      return outcome;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
      await target.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function pushFailed(family: string, { stdout, stderr }: CliOutcome): Error {
  return new Error(`convex deploy of ${family} failed:\n${stdout}\n${stderr}`);
}

/** Packages are those of this repository. */
function copyOfApp(family: string): string {
  const folder = mkdtempSync(join(tmpdir(), `conformance-${family}-`));
  cpSync(join(rootFolder, "tests", "conformance", "apps", family), folder, { recursive: true });
  symlinkSync(join(rootFolder, "node_modules"), join(folder, "node_modules"));
  cpSync(
    join(rootFolder, "tests", "conformance", "apps", "tsconfig.json"),
    join(folder, "convex", "tsconfig.json"),
  );
  const project = { name: family, private: true, type: "module", dependencies: { convex: "*" } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(project));
  writeFileSync(join(folder, "convex.json"), JSON.stringify({ aiFiles: { enabled: false } }));
  return folder;
}

export function openClient(url: string, options: ConvexClientOptions = {}): ConvexClient {
  return new ConvexClient(url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
    unsavedChangesWarning: false,
    ...options,
  });
}

let lastName = 0;

/** A name that no other case, file or run has used: the data of others may still be in the deployment. */
export function freshName(what: string): string {
  lastName += 1;
  return `${what}-${process.pid}-${Date.now()}-${lastName}`;
}
