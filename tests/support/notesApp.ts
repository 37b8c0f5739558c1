/** A small Convex app in a folder of its own, and the official CLI run in it against a deployment. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFunctionReference as reference } from "convex/server";
import { cliIn, type CliOutcome, convexIn, type DeploymentAddress } from "./convexCli.ts";
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
  return {
    folder,
    convex: (deployment, ...args) => cliIn(folder, deployment).run(args),
    push: (deployment) => convexIn(folder, deployment, "dev", "--once", "--typecheck", "disable"),
    readFile: (name) => readFileSync(join(folder, name), "utf8"),
    writeFile: (name, text) => writeFileSync(join(folder, name), text),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
