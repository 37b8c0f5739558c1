/** A server of the stack as a process of its own, from its ready line to its end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const rootFolder = join(import.meta.dirname, "..", "..");

export interface ServiceProcess<Ready> {
  /** The JSON that follows the prefix of its ready line. */
  ready: Ready;
  pid: number;
  /** Settles when the process is gone; a second call does nothing. */
  end: (signal: NodeJS.Signals) => Promise<void>;
}

export interface StartingService<Ready> {
  /** Rejects with everything it printed when it ends before it is ready. */
  ready: Promise<Ready>;
  pid: number;
  /** What it printed since it was ready: a healthy server is silent. */
  said: readonly string[];
  end: (signal: NodeJS.Signals) => Promise<void>;
}

/** Runs `node <args>` in the root folder, with `environment` besides our own. */
export function spawnService<Ready>(
  args: readonly string[],
  readyPrefix: string,
  environment: Readonly<Record<string, string>> = {},
): StartingService<Ready> {
  const child = spawn(process.execPath, args, {
    cwd: rootFolder,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const ended = once(child, "exit").finally(() => process.off("exit", killAtExit));

  let output = "";
  let isReady = false;
  const said: string[] = [];
  const { promise: ready, resolve } = Promise.withResolvers<Ready>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      output += `${line}\n`;
      if (line.startsWith(readyPrefix)) {
        isReady = true;
        resolve(JSON.parse(line.slice(readyPrefix.length)) as Ready);
      } else if (isReady) {
        said.push(line);
        // What it says here belongs beside the test that fails.
        process.stderr.write(`[${args[0]}] ${line}\n`);
      }
    });
  }
  const endedEarly = ended.then(([code, signal]) => {
    throw new Error(`node ${args.join(" ")} ended (${code ?? signal}) before it was ready:\n${output}`);
  });
  // Once the service is ready its end is expected, and nobody listens to this promise any more.
  endedEarly.catch(() => undefined);
  const readyOrEnded = Promise.race([ready, endedEarly]);
  readyOrEnded.catch(() => undefined);
  return {
    ready: readyOrEnded,
    pid: child.pid ?? 0,
    said,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}
