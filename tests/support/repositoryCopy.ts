/** The repository in a folder of its own, for commands that write into it; it shares the installed packages. */
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { rootFolder } from "./serviceProcess.ts";

const leftOut = new Set(["node_modules", ".git", ".duet", ".env.local", "dist", "tests"]);

export interface RepositoryCopy {
  folder: string;
  remove(): Promise<void>;
}

export async function copyRepository(): Promise<RepositoryCopy> {
  const folder = await mkdtemp(join(tmpdir(), "duet-copy-"));
  await cp(rootFolder, folder, {
    recursive: true,
    filter: (source) => source === rootFolder || !leftOut.has(basename(source)),
  });
  await symlink(join(rootFolder, "node_modules"), join(folder, "node_modules"), "junction");
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
