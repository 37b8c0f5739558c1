/**
 * `node embedded/clearData.ts --data DIR`: removes what a deployment keeps in its folder, and nothing else. Refuses while a
 * deployment runs on the folder, whatever its port, and a folder that is no deployment's.
 */
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { lockDataFolder } from "./dataFolderLock.ts";
import { removeStorageFolders } from "./files/storageFolders.ts";
import { asDeploymentError } from "./protocol/deploymentError.ts";

/** With SQLite's companions of the two databases. */
const ownFile = /^(deployment\.sqlite|lock|lock-holder|admin-key)(-wal|-shm|-journal)?$/;
/** Left by a backup or a restore that was killed. */
const leftover = /^(backup-staging-\d+|deployment\.sqlite\.partial)$/;

/** Returns what happened as a sentence. Throws FolderInUse while a deployment runs on the folder. */
function clearData(dataDir: string): string {
  if (!existsSync(dataDir)) return `Nothing to remove: ${dataDir} does not exist.`;
  if (!existsSync(join(dataDir, "deployment.sqlite"))) {
    return `Nothing was removed: ${dataDir} holds no data of a deployment.`;
  }
  const lock = lockDataFolder(dataDir);
  try {
    for (const name of readdirSync(dataDir)) {
      if (ownFile.test(name)) rmSync(join(dataDir, name));
      if (leftover.test(name)) rmSync(join(dataDir, name), { recursive: true });
    }
    removeStorageFolders(dataDir);
  } finally {
    lock.close();
  }
  if (readdirSync(dataDir).length === 0) rmdirSync(dataDir);
  return `Removed the data of the deployment in ${dataDir}: documents, files, settings and admin key are gone.`;
}

const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
if (data === undefined) {
  console.error("Usage: node embedded/clearData.ts --data DIR");
  process.exitCode = 2;
} else {
  try {
    console.log(clearData(data));
  } catch (error) {
    console.error(`Nothing was removed. ${asDeploymentError(error).message}`);
    process.exitCode = 1;
  }
}
