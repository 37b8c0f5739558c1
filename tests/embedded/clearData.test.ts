import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startEmbedded } from "../support/embeddedDeployment.ts";
import { rootFolder } from "../support/serviceProcess.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "duet-clear-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function clear(): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["embedded/clearData.ts", "--data", folder],
      { cwd: rootFolder },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), said: stdout + stderr }),
    );
  });
}

test("the data of a deployment is refused while it runs, and removed after its end", async () => {
  const deployment = await startEmbedded(folder, 0, 0);
  const before = await readdir(folder);
  const refused = await clear();
  expect(refused).toMatchObject({ code: 1, said: expect.stringContaining("already uses the data folder") });
  expect(await readdir(folder)).toEqual(before);

  await deployment.end("SIGTERM");
  await mkdir(join(folder, "backup-staging-1234"));
  await writeFile(join(folder, "backup-staging-1234", randomUUID()), "linked by a backup that was killed");
  expect(await clear()).toMatchObject({ code: 0, said: expect.stringContaining("Removed") });
  await expect(readdir(folder)).rejects.toThrow("ENOENT");
});

test("stored files go with the documents, and what lies beside them stays", async () => {
  const deployment = await startEmbedded(folder, 0, 0);
  await deployment.end("SIGTERM");
  const stored = join(folder, "file-storage", "stored");
  await writeFile(join(stored, randomUUID()), "content");
  await writeFile(join(stored, "thesis.txt"), "years of work");
  expect((await clear()).code).toBe(0);
  expect(await readdir(folder, { recursive: true })).toEqual([
    "file-storage",
    join("file-storage", "stored"),
    join("file-storage", "stored", "thesis.txt"),
  ]);
});

test("a file that is not the deployment's stays", async () => {
  const deployment = await startEmbedded(folder, 0, 0);
  await deployment.end("SIGTERM");
  await writeFile(join(folder, "thesis.txt"), "years of work");
  expect((await clear()).code).toBe(0);
  expect(await readdir(folder)).toEqual(["thesis.txt"]);
});

test("a folder that is no deployment's is left alone", async () => {
  await writeFile(join(folder, "lock"), "mine");
  expect(await clear()).toMatchObject({ code: 0, said: expect.stringContaining("Nothing was removed") });
  expect(await readdir(folder)).toEqual(["lock"]);
});
