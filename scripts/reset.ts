/** `npm run reset`: empties the data folder of the embedded deployment. */
import { existsSync, rmSync } from "node:fs";
import { chooseDataFolder, readPorts, readVariables } from "./settings.ts";
import { takenPorts } from "./portCheck.ts";

const variables = readVariables();
const dataFolder = chooseDataFolder(variables);
const running = await takenPorts(readPorts(variables), ["deployment"]);
if (running.length > 0) {
  process.stderr.write(`Nothing was removed: the embedded deployment seems to be running. Stop it first.\n`);
  process.exitCode = 1;
} else if (existsSync(dataFolder)) {
  rmSync(dataFolder, { recursive: true });
  process.stdout.write(
    `Removed ${dataFolder}: chats, keys and settings of the embedded deployment are gone.\n`,
  );
} else {
  process.stdout.write(`Nothing to remove: ${dataFolder} does not exist.\n`);
}
