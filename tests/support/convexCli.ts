/** The official CLI, as anybody runs it: `npx convex …` in a folder, pointed at a self-hosted deployment. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { rootFolder } from "./serviceProcess.ts";

export interface DeploymentAddress {
  url: string;
  adminKey: string;
}

export interface CliOutcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A command that runs until it is ended, such as `dev` or `logs`. */
export interface RunningCli {
  /** All that was printed so far, on both streams. */
  output: () => string;
  /** Resolves once the condition holds for what was printed; rejects when the command ends before. */
  printed: (condition: (output: string) => boolean) => Promise<void>;
  /** To its standard input. */
  write: (text: string) => void;
  /** Ends it as Ctrl-C does. */
  interrupt: () => Promise<CliOutcome>;
}

export interface Cli {
  run: (args: readonly string[], input?: string) => Promise<CliOutcome>;
  start: (args: readonly string[]) => RunningCli;
}

const program = join(rootFolder, "node_modules", "convex", "bin", "main.js");

/** Points the CLI at the deployment, and nowhere else. */
function cliEnvironment({ url, adminKey }: DeploymentAddress): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Its crash reporter asks the network otherwise, and colours would stand in the way of the text.
    CI: "1",
    NO_COLOR: "1",
    CONVEX_DEPLOYMENT: "",
    CONVEX_SELF_HOSTED_URL: url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
  };
}

export function cliIn(folder: string, deployment: DeploymentAddress): Cli {
  const begin = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [program, ...args], { cwd: folder, env: cliEnvironment(deployment) });
  return {
    async run(args, input = "") {
      const child = begin(args);
      const outcome = collect(child);
      child.stdin?.end(input);
      return await outcome.ended;
    },
    start(args) {
      const child = begin(args);
      const { ended, text, changed } = collect(child);
      return {
        output: () => text.stdout + text.stderr,
        async printed(condition) {
          while (!condition(text.stdout + text.stderr)) {
            if (child.exitCode !== null || child.signalCode !== null) {
              throw new Error(`convex ${args.join(" ")} ended before:\n${text.stdout}\n${text.stderr}`);
            }
            await changed();
          }
        },
        write: (text) => child.stdin?.write(text),
        async interrupt() {
          child.kill("SIGINT");
          return await ended;
        },
      };
    },
  };
}

/** @throws Error with all it printed when the command fails. */
export async function convexIn(
  folder: string,
  deployment: DeploymentAddress,
  ...args: string[]
): Promise<CliOutcome> {
  const outcome = await cliIn(folder, deployment).run(args);
  if (outcome.exitCode === 0) return outcome;
  throw new Error(`convex ${args.join(" ")} failed:\n${outcome.stdout}\n${outcome.stderr}`);
}

interface Collected {
  text: { stdout: string; stderr: string };
  /** Resolves at the next output, or at the end. */
  changed: () => Promise<void>;
  ended: Promise<CliOutcome>;
}

function collect(child: ChildProcess): Collected {
  const text = { stdout: "", stderr: "" };
  let next = Promise.withResolvers<void>();
  const wake = (): void => {
    next.resolve();
    next = Promise.withResolvers<void>();
  };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
      wake();
    });
  }
  const killAtExit = (): boolean => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const ended = once(child, "close").then(([code]: (number | null)[]): CliOutcome => {
    process.off("exit", killAtExit);
    wake();
    return { exitCode: code ?? 1, ...text };
  });
  return { text, changed: () => next.promise, ended };
}
