/** A small Convex app in a folder of its own, and the official CLI run in it against a deployment. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFunctionReference as reference } from "convex/server";
import { rootFolder } from "./serviceProcess.ts";

/** The functions of `convex/notes.ts` in the fixture. */
export const notes = {
  list: reference<"query", { board: string }, string[]>("notes:list"),
  add: reference<"mutation", { board: string; text: string }, string>("notes:add"),
  addLater: reference<"mutation", { board: string; text: string; afterMs: number }, null>("notes:addLater"),
  secretCount: reference<"query", Record<string, never>, number>("notes:secretCount"),
  shout: reference<"action", { board: string; text: string }, string>("notes:shout"),
  variable: reference<"query", { name: string }, string | null>("notes:variable"),
  whoAmI: reference<"query", Record<string, never>, string | null>("notes:whoAmI"),
  createStream: reference<"mutation", Record<string, never>, string>("notes:createStream"),
};

export interface DeploymentAddress {
  url: string;
  adminKey: string;
}

export interface CliOutcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface FixtureApp {
  folder: string;
  convex: (deployment: DeploymentAddress, ...args: string[]) => Promise<CliOutcome>;
  /** `convex dev --once`. @throws with all it printed when it fails. */
  push: (deployment: DeploymentAddress) => Promise<CliOutcome>;
  readFile: (name: string) => string;
  writeFile: (name: string, text: string) => void;
  remove: () => void;
}

export type NotesApp = FixtureApp;

export function createNotesApp(): NotesApp {
  return createFixtureApp("notes");
}

/** A copy of a folder of tests/embedded/fixtures. Packages are those of this repository. */
export function createFixtureApp(name: string): FixtureApp {
  const folder = mkdtempSync(join(tmpdir(), `${name}-app-`));
  cpSync(join(rootFolder, "tests", "embedded", "fixtures", name), folder, { recursive: true });
  symlinkSync(join(rootFolder, "node_modules"), join(folder, "node_modules"));
  const convex: FixtureApp["convex"] = (deployment, ...args) => runCli(folder, deployment, args);
  return {
    folder,
    convex,
    async push(deployment) {
      const outcome = await convex(deployment, "dev", "--once", "--typecheck", "disable");
      if (outcome.exitCode !== 0)
        throw new Error(`convex dev --once failed:\n${outcome.stdout}\n${outcome.stderr}`);
      return outcome;
    },
    readFile: (name) => readFileSync(join(folder, name), "utf8"),
    writeFile: (name, text) => writeFileSync(join(folder, name), text),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function runCli(folder: string, { url, adminKey }: DeploymentAddress, args: string[]): Promise<CliOutcome> {
  const cli = join(rootFolder, "node_modules", "convex", "bin", "main.js");
  const env = {
    ...process.env,
    CI: "1",
    NO_COLOR: "1",
    CONVEX_DEPLOYMENT: "",
    CONVEX_SELF_HOSTED_URL: url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
  };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [cli, ...args],
      { cwd: folder, env },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ exitCode, stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}
