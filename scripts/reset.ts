/** `npm run reset`: removes the data of the embedded deployment, unless it is running. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { chooseDataFolder, readVariables, rootFolder } from "./settings.ts";

const { status } = spawnSync(
  process.execPath,
  [join(rootFolder, "embedded", "clearData.ts"), "--data", chooseDataFolder(readVariables())],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
