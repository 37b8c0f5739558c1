/** A process that `npm run dev` starts: its output with a name before each line, and its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How long a process may take to end on its own before it is killed. */
const graceMs = 5_000;

export interface ChildOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: Record<string, string | undefined>;
  cwd: string;
  /** Sees each line first; a line is printed unless this returns true. */
  onLine?: (line: string) => boolean;
}

export interface RunningChild {
  name: string;
  /** Resolves with how it ended: "exit code 1", "killed by SIGKILL". Never rejects. */
  ended: Promise<string>;
  /** Ends the process and everything it started. Safe to call twice. */
  stop(): Promise<void>;
}

export function startChild(options: ChildOptions): RunningChild {
  // A group of its own, so that Ctrl-C in the terminal reaches only the parent, which ends all in order.
  const child = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    // The channel closes with this process, however it ends: demo/ and embedded/ end then.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: process.platform !== "win32",
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `killed by ${signal}`),
    );
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue; // never: both are pipes
    createInterface({ input: stream }).on("line", (line) => {
      if (options.onLine?.(line) !== true) process.stdout.write(`[${options.name}] ${line}\n`);
    });
  }
  return { name: options.name, ended, stop: () => stopGroup(child, ended) };
}

async function stopGroup(child: ChildProcess, ended: Promise<string>): Promise<void> {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
  await ended;
  clearTimeout(timer);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: the group ended between the check and the signal, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
