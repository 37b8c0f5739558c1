/** Plants a fault in a copy of the app and the suite, and lets the suite there play the scenario that provokes it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootFolder } from "../../support/serviceProcess.ts";
import type { BrokenRule } from "../rules.ts";
import type { Plant } from "./plants.ts";

export const verdictPrefix = "verdict ";

/** What a plant changes, and what plays a scenario with it. */
const copied = ["convex", "src", "scripts", "tests/faults", "tests/support", "package.json", "convex.json"];

/** The same for every plant, and compiled once for all of them. */
const shared = ["node_modules", "embedded", "demo"];

/** @throws Error when a text to be changed does not occur exactly once: the product has moved on, and so must the plant. */
export async function playPlant(plant: Plant): Promise<BrokenRule[]> {
  const folder = await mkdtemp(join(tmpdir(), "duet-plant-"));
  try {
    for (const path of copied) await cp(join(rootFolder, path), join(folder, path), { recursive: true });
    for (const name of shared) await symlink(join(rootFolder, name), join(folder, name), "junction");
    for (const change of plant.changes) await plantIn(folder, change);
    return await playIn(folder, plant.name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function plantIn(folder: string, { file, find, replace }: Plant["changes"][number]): Promise<void> {
  // What is shared is the repository's own.
  if (!copied.some((path) => file.startsWith(`${path}/`))) {
    throw new Error(`${file} is not copied for plants: only ${copied.join(", ")} are.`);
  }
  const path = join(folder, file);
  const [before, after, ...more] = (await readFile(path, "utf8")).split(find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${file} does not contain exactly once what is to be changed: ${find}`);
  }
  await writeFile(path, before + replace + after);
}

/** A process of its own, which loads the copy's modules and none of ours. */
async function playIn(folder: string, name: string): Promise<BrokenRule[]> {
  const child = spawn(process.execPath, [join(folder, "tests/faults/main.ts"), "--inside", name], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  await once(child, "close");
  process.off("exit", killAtExit);
  const verdict = output.split("\n").find((line) => line.startsWith(verdictPrefix));
  if (verdict === undefined) throw new Error(`“${name}” was not played to its end:\n${output}`);
  return JSON.parse(verdict.slice(verdictPrefix.length)) as BrokenRule[];
}
