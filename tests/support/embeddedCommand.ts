/** A command of `npm run embedded` that ends by itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rootFolder } from "./serviceProcess.ts";

export interface CommandEnd {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export async function runEmbedded(...args: string[]): Promise<CommandEnd> {
  const child = spawn(process.execPath, ["embedded/main.ts", ...args], { cwd: rootFolder });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString("utf8")));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
  const [exitCode] = (await once(child, "close")) as [number];
  return { exitCode, stdout, stderr };
}
