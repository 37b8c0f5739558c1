/** A data folder to which the app has been pushed, once, for deployments to begin with a copy of. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pushFunctions, startEmbedded } from "./embeddedDeployment.ts";

export interface PreparedData {
  folder: string;
  remove: () => Promise<void>;
}

export async function prepareData(): Promise<PreparedData> {
  const folder = await mkdtemp(join(tmpdir(), "duet-prepared-"));
  const deployment = await startEmbedded(folder, 0, 0);
  try {
    await pushFunctions(deployment.ready);
  } finally {
    await deployment.end("SIGTERM");
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
